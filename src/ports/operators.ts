/** What authorities ask of the world about the mailboxes of a domain. */
export interface Operators {
  /**
   * The part of a domain name that somebody registered: `example.co.uk` of `mix.example.co.uk`. Who owns it can make any
   * number of names below it.
   */
  readonly site: (domain: string) => string;
  /**
   * Who takes the mail of that domain: a domain in lower case, one for all names of a company. Has a deadline and never
   * rejects.
   *
   * @returns undefined when it could not be found out now
   */
  readonly operatorOf: (domain: string, signal: AbortSignal) => Promise<string | undefined>;
}
