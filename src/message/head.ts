import { Bug } from '../base/errors.js';

/** One field of a mail's header. */
export interface HeadField {
  /** In lower case. */
  readonly name: string;
  /** Unfolded to one line, one character a byte, white space at both ends removed. */
  readonly value: string;
  /** As it stands in the mail, with its line ends. */
  readonly raw: Uint8Array;
}

/** The header of a mail. */
export interface MailHead {
  readonly fields: readonly HeadField[];
  /** Where the body begins, in bytes. */
  readonly bodyAt: number;
}

/** The header of a mail, of which at most 256 KiB are looked at. Lines that are no field are left out. */
export const readHead = (raw: Uint8Array): MailHead => {
  throw new Bug(`not there yet ${raw.length}`);
};

/** The values of all fields of that name (lower case), in order. */
export const valuesOf = (head: MailHead, name: string): readonly string[] =>
  head.fields.filter((field) => field.name === name).map(({ value }) => value);
