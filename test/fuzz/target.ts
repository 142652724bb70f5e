import { latin1 } from '../../src/base/bytes.js';

/** The errors of src/base/errors that tell of bad input. */
export type ExpectedError = 'PacketError' | 'RouteError' | 'SubmissionError' | 'ConfigError';

/** A decoder, what it is given, and what may come of it. */
export interface Target {
  readonly name: string;
  /** Inputs that it takes. */
  readonly samples: readonly Uint8Array[];
  /** Words of its format. */
  readonly tokens: readonly string[];
  readonly longestBytes: number;
  /** Errors that it documents; any other is a finding. */
  readonly errors: readonly ExpectedError[];
  /**
   * Decodes, and checks what else is to hold.
   *
   * @returns a word for what came of it, for the count
   * @throws an error that it documents; `Violation` when something doesn't hold
   */
  readonly run: (input: Uint8Array) => string | Promise<string>;
}

/** A target before it is made ready, which may take a second. */
export interface TargetSpec {
  readonly name: string;
  /** Its part of all inputs, beside that of the others: more for a fast one. */
  readonly weight: number;
  readonly make: () => Omit<Target, 'name'> | Promise<Omit<Target, 'name'>>;
}

export const targetOf = async ({ name, make }: TargetSpec): Promise<Target> => ({ name, ...(await make()) });

/** Something that is to hold for every input does not. */
export class Violation extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Violation';
  }
}

export const mustHold = (holds: boolean, what: string): void => {
  if (!holds) throw new Violation(what);
};

export const mustEqual = (a: Uint8Array | undefined, b: Uint8Array | undefined, what: string): void => {
  if (a === undefined || b === undefined ? a !== b : Buffer.compare(a, b) !== 0) throw new Violation(what);
};

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
export const textOf = latin1;
export const utf8Of = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');

/** Exactly so many bytes of the input, zeros behind a shorter one: for formats of one length. */
export const fitted = (input: Uint8Array, lengthBytes: number, from = 0): Uint8Array => {
  const out = new Uint8Array(lengthBytes);
  out.set(input.subarray(from, from + lengthBytes));
  return out;
};
