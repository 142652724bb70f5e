import { dovecotPostfix } from './dovecot-postfix.js';
import { greenmail } from './greenmail.js';
import { startInProcess } from './in-process.js';
import type { ServerKind } from './mail-world.js';

/** The mail servers that can be started here, and why the others can't. */
export const surveyServers = async (): Promise<readonly ServerKind[]> => [
  { name: 'in-process', kind: 'available', how: 'npm packages', start: () => startInProcess() },
  await greenmail(),
  dovecotPostfix(),
];

/**
 * The same for tests.
 *
 * @throws Error with MIXMAILER_REQUIRE_SERVERS=1 when one of the real ones is missing: then nothing is skipped
 */
export const findServers = async (): Promise<readonly ServerKind[]> => {
  const kinds = await surveyServers();
  const missing = kinds.flatMap((kind) => (kind.kind === 'unavailable' ? [missingLine(kind)] : []));
  if (process.env['MIXMAILER_REQUIRE_SERVERS'] === '1' && missing.length > 0) throw new Error(missing.join('\n'));
  return kinds;
};

/** One line that says what is missing and how to add it. */
export const missingLine = (kind: ServerKind & { readonly kind: 'unavailable' }): string =>
  `${kind.name} left out: ${kind.reason}. To add it: ${kind.remedy}`;
