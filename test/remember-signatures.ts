import { fileURLToPath } from 'node:url';

const remembering = fileURLToPath(new URL('./fakes/remembering-ed25519.ts', import.meta.url));

/** A plugin of vitest that gives signed documents an Ed25519 which computes nothing twice; see test/fakes/remembering-ed25519. */
export const rememberSignatures = (): {
  readonly name: string;
  readonly enforce: 'pre';
  readonly resolveId: (id: string, importer: string | undefined) => string | undefined;
} => ({
  name: 'remember-signatures',
  enforce: 'pre',
  resolveId: (id, importer) =>
    id === '@noble/curves/ed25519.js' && importer?.endsWith('/src/route/document.ts') === true
      ? remembering
      : undefined,
});
