import { splitBundle } from './bundle.js';

/**
 * The packets in a mail that is not in canonical form, wherever in its MIME tree they are: gateways wrap a mail to add
 * a footer, people forward it as an attachment, filters rename and retype what is attached. So any leaf whose bytes
 * are a bundle counts, whatever its content type.
 *
 * @param parts the leaves a general MIME parser found, transfer encoding removed
 */
export const packetsInParts = (parts: readonly { readonly content: Uint8Array }[]): readonly Uint8Array[] =>
  parts.flatMap((part) => splitBundle(part.content) ?? []);
