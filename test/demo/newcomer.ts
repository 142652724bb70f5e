import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Account } from '../servers/mail-world.js';
import { Terminal } from '../servers/terminal.js';

export const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** A newcomer's machine in that folder: nothing of MixMailer is on it. */
export const newHome = (folder: string): string => mkdtempSync(path.join(folder, 'home-'));

/** The mail servers of an account, as `init` asks for them. */
export const serversOf = ({ imap, smtp }: Account): string =>
  `127.0.0.1:${imap.port}/${imap.security} 127.0.0.1:${smtp.port}/${smtp.security}`;

/** `mixmailer init` in a terminal, on that machine; the environment as a shell takes it, such as `NO_COLOR=1`. */
export const initIn = (home: string, argv: readonly string[], environment = ''): Promise<Terminal> => {
  const words = [process.execPath, main, 'init', '--no-unit', ...argv].map((word) => `'${word}'`).join(' ');
  return Terminal.open(`${environment} HOME='${home}' XDG_CONFIG_HOME= ${words}`);
};

/** What a question looks like while it waits. */
export const waits = (question: string): RegExp => new RegExp(`^[◆▲]  ${question}`, 'm');

/** How many questions were answered. */
export const questions = (screen: string): number => screen.match(/^◇ {2}/gm)?.length ?? 0;

export const secondsSince = (began: number): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;
