import type { Role } from './answers.js';

/** What a unit starts. */
export interface Started {
  readonly role: Role;
  /** Absolute paths of the program that runs this one, of this program, and of the configuration. */
  readonly node: string;
  readonly program: string;
  readonly config: string;
}

/** `mixmailer-node`, `mixmailer-client`. */
export const commandOf = (role: Role): 'node' | 'client' => (role === 'client' ? 'client' : 'node');
export const unitName = (role: Role): string => `mixmailer-${commandOf(role)}.service`;

/** A word of a command line of systemd: quotes, and what it would replace. */
const word = (text: string): string =>
  `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;

/**
 * A unit of the user's own systemd. Less locked in than config/mixmailer-node.service, which needs an administrator.
 *
 * Source: systemd.service(5), systemd.exec(5).
 */
export const unitText = ({ role, node, program, config }: Started): string =>
  [
    '[Unit]',
    `Description=MixMailer ${commandOf(role)}`,
    '',
    '[Service]',
    '# It says when it has begun, how it is, and that its loops turn; by the program systemd-notify, hence "all".',
    'Type=notify',
    'NotifyAccess=all',
    'WatchdogSec=300',
    `ExecStart=${[node, program].map(word).join(' ')} ${commandOf(role)} --config ${word(config)}`,
    'UMask=0077',
    'Restart=on-failure',
    'RestartSec=30',
    '# 78: the configuration is wrong, and stays so.',
    'RestartPreventExitStatus=78',
    '# At a stop it hands over what is due, for 25 s at most.',
    'TimeoutStopSec=60',
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictRealtime=yes',
    '# No core file: it would hold the keys.',
    'LimitCORE=0',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
