/** A place from which everybody can read files, such as the folder of a web server. */
export interface Publisher {
  /**
   * Makes these the files there, each whole or not at all; files that were published before and are not among them go.
   *
   * @param files by name: `mixmailer-`, 1 to 80 letters, digits, `-` and `_`, `.txt`
   * @throws StoreError `store/write`
   */
  readonly publish: (files: ReadonlyMap<string, string>) => void;
}
