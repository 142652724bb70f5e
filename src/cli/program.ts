import { Command } from 'commander';
import { version } from '../version.js';

type Registering = Promise<{ readonly register: (program: Command) => void }>;

// Loaded when asked for: what a node needs takes half a second, and `sendmail` runs at every mail.
const commands: ReadonlyMap<string, () => Registering> = new Map(
  Object.entries({
    init: () => import('./init.js'),
    keygen: () => import('./keygen.js'),
    keys: () => import('./keys.js'),
    descriptor: () => import('./descriptor.js'),
    network: () => import('./network.js'),
    check: () => import('./check.js'),
    doctor: () => import('./doctor.js'),
    node: () => import('./node.js'),
    health: () => import('./health.js'),
    backup: async () => ({ register: (await import('./backup.js')).registerBackup }),
    restore: async () => ({ register: (await import('./backup.js')).registerRestore }),
    leave: () => import('./leave.js'),
    authority: () => import('./authority.js'),
    client: () => import('./client.js'),
    sendmail: () => import('./sendmail.js'),
    queue: () => import('./queue.js'),
    simulate: () => import('./simulate.js'),
    completion: () => import('./completion.js'),
  }),
);

/** `mixmailer`. @param wanted the one command it has; all, if there is none of that name */
export const programWith = async (wanted?: string): Promise<Command> => {
  const program = new Command('mixmailer')
    .description('A mix network carried by ordinary e-mail.')
    .version(version)
    // What stands behind a command is the command's: `sendmail -V` is no question for our version.
    .enablePositionalOptions();
  const one = commands.get(wanted ?? '');
  for (const load of one === undefined ? commands.values() : [one]) (await load()).register(program);
  return program;
};
