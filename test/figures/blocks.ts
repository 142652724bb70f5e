/** A command that a page shows, and what it printed. */
export interface Block {
  /** As typed: `mixmailer simulate --compare`. */
  readonly command: string;
  readonly printed: string;
}

const blockForm = /```\n\$ (mixmailer [^\n]+)\n([^`]*)```/g;

/** The blocks of a page: fenced, the first line a command behind `$ `. */
export const blocksOf = (page: string): readonly Block[] =>
  [...page.matchAll(blockForm)].map(([, command = '', printed = '']) => ({ command, printed }));

/** The page with what the commands print now. */
export const refreshed = (page: string, print: (command: string) => string | undefined): string =>
  page.replaceAll(blockForm, (whole, command: string) => {
    const printed = print(command);
    return printed === undefined ? whole : `\`\`\`\n$ ${command}\n${printed.trimEnd()}\n\`\`\``;
  });
