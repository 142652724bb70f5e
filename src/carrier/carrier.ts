import type { Base64 } from '../base/base64.js';
import { Bug } from '../base/errors.js';
import type { Rng } from '../base/random.js';
import { type AttachmentForm, composeAttachmentMail, sliceAttachment } from './attachment.js';
import { splitBundle } from './bundle.js';

/** What a carrier mail is made of. */
export interface CarrierMail {
  /** Mail address of the account that sends it. */
  readonly from: string;
  /** Mail address of the next node. */
  readonly to: string;
  /** As `joinBundle` gives it. */
  readonly bundle: Uint8Array;
  readonly now: number;
  readonly rng: Rng;
}

/** Subject of every carrier mail. */
export const carrierSubject = 'MixMailer packets';

const form: AttachmentForm = {
  subject: carrierSubject,
  textLine: 'The attachment of this mail holds packets of the MixMailer network. A program reads them.',
  fileName: 'packets.bin',
};

/**
 * The canonical mail that carries a bundle; docs/spec-mail.md has it line by line.
 *
 * Not protected: that this is a packet mail. Any reader of the mail sees it.
 */
export const composeCarrierMail = (mail: CarrierMail, base64: Base64): Uint8Array => {
  if (splitBundle(mail.bundle) === undefined) throw new Bug('a carrier mail carries a bundle');
  return composeAttachmentMail({ ...mail, content: mail.bundle }, form, base64);
};

/**
 * The packets of a carrier mail in canonical form (`sliceAttachment`). Undefined for everything else, which a general
 * MIME parser and `packetsInParts` then look at. This is what a node does all day.
 */
export const sliceCarrierMail = (raw: Uint8Array, base64: Base64): readonly Uint8Array[] | undefined => {
  const bundle = sliceAttachment(raw, form, base64);
  return bundle === undefined ? undefined : splitBundle(bundle);
};
