/**
 * What a process says of itself. Names and counts only: no address, subject, key, tag, UID, size or id of a mail or
 * packet ever goes in here, because a log that links in to out undoes the mix.
 */
export interface Log {
  readonly info: (event: string, counts?: Readonly<Record<string, number | string>>) => void;
  readonly warn: (event: string, counts?: Readonly<Record<string, number | string>>) => void;
}
