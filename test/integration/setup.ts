import { surveyServers, missingLine } from '../servers/find-servers.js';

/** Says which mail servers the integration tests run against, and how to add those left out. */
export const setup = async (): Promise<void> => {
  for (const kind of await surveyServers())
    process.stdout.write(
      kind.kind === 'available' ? `mail server: ${kind.name} (${kind.how})\n` : `mail server: ${missingLine(kind)}\n`,
    );
};
