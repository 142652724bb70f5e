import { makePrivateFolder, writePrivateFile } from '../adapters/owner-only.js';
import { ConfigError, RouteError } from '../base/errors.js';
import { type Config, loadConfig } from '../config.js';
import { invitationFile } from '../config-network.js';
import { formatInvitation, type Invitation, parseInvitation } from '../council/invitation.js';

const read = (text: string): Invitation => {
  try {
    return parseInvitation(text.trim());
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    throw new ConfigError(`--join: expected an invitation, whole and unchanged: ${error.message}`, { cause: error });
  }
};

/**
 * The configuration, with the network of the invitation, which is kept in the data folder for the next start.
 *
 * @param invitation what stands behind `--join`; undefined: the network is that of the configuration, or of an earlier start
 * @throws ConfigError, StoreError
 */
export const loadAndJoin = (file: string, invitation: string | undefined): Config => {
  const config = loadConfig(file);
  if (invitation === undefined) return config;
  const wanted = formatInvitation(read(invitation));
  const known = config.network;
  if (known?.kind === 'list')
    throw new ConfigError(`--join: expected a configuration without network.list, got one (in ${config.file})`);
  if (known?.kind === 'join' && formatInvitation(known.invitation) === wanted) return config;
  if (known?.origin === 'file')
    throw new ConfigError(`--join: expected the invitation of network.join, got another one (in ${config.file})`);
  makePrivateFolder(config.data);
  writePrivateFile(invitationFile(config.data), `${wanted}\n`);
  return loadConfig(file);
};
