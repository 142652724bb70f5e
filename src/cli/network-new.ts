import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { writeKeyFile } from '../adapters/key-files.js';
import { makePrivateFolder } from '../adapters/owner-only.js';
import { systemRng } from '../adapters/system.js';
import { toHex } from '../base/bytes.js';
import { dayMs } from '../base/units.js';
import { authoritiesOf, ownAuthority } from '../compose-authority.js';
import { authorityConfig, type Config, loadConfig } from '../config.js';
import { formatInvitation } from '../council/invitation.js';
import { sealOf } from '../node-keys.js';
import type { AuthorityAddress } from '../route/network.js';
import { printer } from './print.js';

const invitationOf = (config: Config, urls: readonly string[]): string => {
  const { periodMs } = authorityConfig(config);
  return formatInvitation({
    authorities: authoritiesOf(config),
    periodMs: periodMs === dayMs ? undefined : periodMs,
    urls,
  });
};

const makeKey = (config: Config): 'made' | 'found' => {
  const { key: file } = authorityConfig(config);
  if (existsSync(file)) return 'found';
  if (!existsSync(path.dirname(file))) makePrivateFolder(path.dirname(file));
  writeKeyFile(file, `${toHex(systemRng(32))}\n`, sealOf(config));
  return 'made';
};

const httpsUrls = (text: string, before: readonly string[] = []): readonly string[] => {
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:')
    throw new InvalidArgumentError('expected an https URL');
  return [...before, text];
};

interface Options {
  readonly config: string;
  readonly url?: readonly string[];
}

/** `mixmailer network new` and `invite`: the beginning of a network. */
export const registerNew = (network: Command): void => {
  network
    .command('new')
    .description('begin a network: make the key of its authority, and print the invitation for everybody else')
    .requiredOption('-c, --config <file>', 'configuration of the authority')
    .option('--url <url...>', 'where the list is on the web too', httpsUrls)
    .action(({ config: file, url = [] }: Options, command: Command) => {
      const config = loadConfig(file);
      const { key, peers } = authorityConfig(config);
      const how = makeKey(config);
      const own = ownAuthority(config);
      printer(command)(
        how === 'made' ? `made the key ${key}` : `the key ${key} is there already, and stays`,
        `authority ${own.key} at ${own.address}`,
        '',
        'Other authorities of the same network, if there are any, need this in their configurations:',
        '',
        ...peerSection(own),
        '',
        `Invitation to the network of ${peers.length === 0 ? 'this authority' : 'all authorities configured here'}, for mixmailer node --join and client --join:`,
        '',
        invitationOf(config, url),
      );
    });
  network
    .command('invite')
    .description('print the invitation to the network of all configured authorities')
    .requiredOption('-c, --config <file>', 'configuration of an authority')
    .option('--url <url...>', 'where the list is on the web too', httpsUrls)
    .action(({ config: file, url = [] }: Options, command: Command) => {
      printer(command)(invitationOf(loadConfig(file), url));
    });
};

const peerSection = ({ key, address }: AuthorityAddress): readonly string[] => [
  '  [[authority.peers]]',
  `  address = "${address}"`,
  `  key = "${key}"`,
];
