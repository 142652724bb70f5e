import type { Base64 } from '../base/base64.js';
import { Bug } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { composePackedMail, packDocuments } from '../carrier/directory-mail.js';
import type { Compression } from '../ports/compression.js';
import type { OutgoingStore } from '../ports/stores.js';

/**
 * Puts a mail with these documents for each of them into the outgoing mails; more mails where one would be too large, so
 * that documents which belong together stand close together. In a transaction.
 */
export type Dispatch = (to: readonly string[], documents: readonly string[], now: number) => void;

export interface DispatchDeps {
  readonly store: Pick<OutgoingStore, 'addOutgoing'>;
  readonly rng: Rng;
  readonly base64: Base64;
  readonly compression: Compression;
  /** The account they leave from. */
  readonly from: string;
}

/** Characters of a mail's documents: what a reader that asked for nothing takes of them is 8 MB. */
const mostCharacters = 7 * 1024 * 1024;

export const dispatchWith =
  ({ store, rng, base64, compression, from }: DispatchDeps): Dispatch =>
  (to, documents, now) => {
    const mail = (some: readonly string[]): void => {
      const length = some.reduce((sum, text) => sum + text.length, 0);
      const packed = some.length > 1 && length > mostCharacters ? undefined : packDocuments(some, compression);
      if (packed === undefined) {
        if (some.length === 1) throw new Bug('a document is larger than a mail');
        const half = Math.ceil(some.length / 2);
        mail(some.slice(0, half));
        mail(some.slice(half));
        return;
      }
      for (const one of to) {
        const raw = composePackedMail({ from, to: one, packed, now, rng }, base64);
        store.addOutgoing({ kind: 'directory', to: one, raw }, now);
      }
    };
    if (to.length > 0 && documents.length > 0) mail(documents);
  };
