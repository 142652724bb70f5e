import { existsSync } from 'node:fs';
import { isSealedFile } from '../adapters/key-files.js';
import { refuseSharedWithOthers, refuseUnfinishedRestore } from '../adapters/owner-only.js';
import { refuseOpenSecret } from '../adapters/secrets.js';
import { ConfigError } from '../base/errors.js';
import { authorityDatabaseOf } from '../compose-authority.js';
import { databaseOf } from '../compose-joined.js';
import type { Config } from '../config.js';
import { accountsIn } from '../config-mail.js';
import { keyFilesOf } from '../node-keys.js';
import type { Report } from './report.js';

/** Who else may read what a role has on the disk, and whether its keys are sealed. */
export const checkFiles = (config: Config, report: Report): void => {
  const { data, mail, authority, client, status } = config;
  const database = authority === undefined ? databaseOf(config) : authorityDatabaseOf(config);
  const tokens = [client?.submission.tokenFile, status?.tokenFile].filter((file) => file !== undefined);
  const files = [data, database, `${database}-wal`, `${database}-shm`, ...tokens].filter((file) => existsSync(file));
  const looks = [
    ...files.map((file) => () => refuseSharedWithOthers(file)),
    ...accountsIn(mail)
      .flatMap(({ imap, smtp }) => [imap, smtp])
      .flatMap((server) => (server === undefined ? [] : [() => refuseOpenSecret(server.secret)])),
    () => refuseUnfinishedRestore(data),
  ];
  const before = report.problems;
  for (const look of looks)
    try {
      look();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      report.wrong(error.message, ['Who could read it until now? Think of changing what was in it.']);
    }
  if (report.problems === before && existsSync(data)) report.good(`what is in ${data} is for its owner only`);
  tellSeal(config, report);
};

/** Keys that others may read are told of where they are opened. */
const tellSeal = (config: Config, report: Report): void => {
  try {
    const keys = keyFilesOf(config);
    if (keys.length > 0 && config.keys === undefined && !keys.some(isSealedFile))
      report.note('the keys are not sealed with a passphrase ([keys]): the disk should be encrypted');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
};
