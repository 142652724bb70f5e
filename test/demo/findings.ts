import type { Person } from '../servers/pep-mail.js';
import type { SeenMail } from '../servers/smtp-tap.js';
import type { ExitSearch } from './exit-search.js';
import { headerOf } from './reply.js';
import { say } from './screen.js';
import { tracesIn } from './traces.js';

/** Whether a mail shows who wrote it. Base64 has no `@`, `<` or `.`, so none of these turns up in it by chance. */
const shows = (alice: Person, raw: string): boolean =>
  ['alice@', 'Alice <', 'home.test'].some((trace) => raw.includes(trace)) || /alice|home/i.test(headerOf(raw));

/** Whether the OpenPGP message in a mail names a key of hers. */
const namesKeyOf = ({ publicKey }: Person, raw: string): boolean => {
  const armored = /-----BEGIN PGP MESSAGE-----\s+([A-Za-z0-9+/=\s]+?)-----END/.exec(raw)?.[1] ?? '';
  const bytes = Buffer.from(armored, 'base64');
  return publicKey.getKeys().some((key) => bytes.includes(Buffer.from(key.getKeyID().toHex(), 'hex')));
};

/** What there is to be searched. */
export interface Evidence {
  readonly alice: Person;
  readonly bob: Person;
  /** Every mail that was handed in. */
  readonly mails: readonly SeenMail[];
  readonly search: ExitSearch;
}

/** Says what of Alice can be found beyond her own provider. @returns how many things that should not be there */
export const tellFindings = ({ alice, bob, mails, search }: Evidence): number => {
  const home = mails.filter(({ to }) => to.includes(alice.address));
  const beyond = mails
    .filter((mail) => mail.from !== alice.address && !home.includes(mail))
    .map(({ from, raw }) => ({ from, raw: raw.toString('latin1') }));
  const answers = beyond.filter(({ from }) => from === bob.address);
  const others = beyond.filter((mail) => !answers.includes(mail));
  const showing = beyond.filter(({ raw }) => shows(alice, raw)).length;
  const keyed = others.filter(({ raw }) => namesKeyOf(alice, raw)).length;
  const naming = home.filter(({ raw }) => tracesIn(raw, [bob.address, 'friend.test']).length > 0).length;
  const looked = (...places: readonly string[]): number =>
    places.reduce((sum, place) => sum + (search.looked.get(place) ?? 0), 0);

  say(`  Alice's name, address or provider: in ${showing} of the ${beyond.length} mails beyond her own provider`);
  say(
    `  her address or provider at the exit, which took Bob's answers for her: in ${search.found.size} places (${looked('mail to it', 'mail from it')} mails to and from it; its mailbox, database, keys and log, searched ${looked('mixmailer.db')} times)`,
  );
  for (const place of search.found) say(`    ${place}`);
  say(
    `  the id of her key in OpenPGP data: in ${keyed} of ${others.length} mails of the network (and in ${answers.filter(({ raw }) => namesKeyOf(alice, raw)).length} of ${answers.length} answers: Bob's program names the key to read them with, as most do)`,
  );
  say(`  Bob's address or provider: in ${naming} of the ${home.length} packet mails that came to Alice's mailbox`);
  return showing + search.found.size + keyed + naming;
};
