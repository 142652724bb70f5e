import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Account } from '../servers/mail-world.js';
import type { Person } from '../servers/pep-mail.js';
import type { Door } from './hand-in.js';
import { heading, say } from './screen.js';

/** Somebody whose mail program a user can play. */
export interface Player {
  readonly who: Person;
  readonly account: Account;
  /** Where the program sends. */
  readonly door: Door;
}

const tellPlayer = (folder: string, { who, account, door }: Player): void => {
  const file = path.join(folder, `${who.name.toLowerCase()}.asc`);
  writeFileSync(file, who.privateKey.armor(), { mode: 0o600 });
  say(`  ${who.name}, ${account.address}`);
  say(`    throw-away key, secret and public part, to import: ${file}`);
  say(`    incoming (IMAP)  127.0.0.1  port ${account.imap.port}  user ${account.user}  password ${account.password}`);
  say(`    outgoing (SMTP)  127.0.0.1  port ${door.port}  user ${door.user}  password ${door.password}`);
};

/** Says what a user needs to go on with mail programs of their own, and waits for their Ctrl-C. */
export const keepRunning = async (folder: string, players: readonly Player[]): Promise<void> => {
  heading(
    'The network keeps running. For mail programs of your own (no TLS, normal password: it stays on this machine):',
  );
  for (const player of players) tellPlayer(folder, player);
  say('  To send: as Alice, write to Bob, encrypted.');
  say(
    "  To reply by hand: as Bob, open a mail in the inbox, press Reply, encrypt it to Alice's key, send. Her address stands inside the mail, not in its header, so a program that takes keys by address has to be told which. The answer comes to Alice's inbox, under her own mail.",
  );
  say('  Ctrl-C ends everything.');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
};
