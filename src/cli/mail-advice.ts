import type { MailError } from '../base/errors.js';
import { adviceAt } from '../provider/known.js';

/** What to do when a server refused user or password. @param section `mail.imap` or `mail.smtp` */
export const loginAdvice = (section: string, host: string): readonly string[] => {
  const known = adviceAt(host);
  if (known !== undefined) return [`${known}.`];
  return [
    `Check ${section}.user (often the whole address) and the password; try them in the provider's web mail.`,
    'Many providers want an app password for programs, or IMAP and SMTP switched on in their settings first.',
  ];
};

interface Reached {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls' | 'none';
  readonly proxy?: string;
}

/** What to do when a server could not be talked to. @param section `mail.imap`, `mail.smtp`, or such a one of a further account */
export const mailAdvice = (section: string, server: Reached, { code, message }: MailError): readonly string[] => {
  const ports = section.endsWith('.imap')
    ? 'Usual: 993 with "tls", 143 with "starttls".'
    : 'Usual: 465 with "tls", 587 with "starttls".';
  switch (code) {
    case 'mail/connect':
      if (server.proxy !== undefined) return [`Does the proxy of mail.proxy run, and does it reach ${server.host}?`];
      if (/ENOTFOUND|EAI_AGAIN/.test(message))
        return [
          `No server of the name ${server.host} is known: check ${section}.host, and whether this machine has a network and DNS.`,
        ];
      if (message.includes('ECONNREFUSED'))
        return [`Nothing listens at port ${server.port}: check ${section}.port. ${ports}`];
      return [`Check ${section}.host and ${section}.port, and whether a firewall stands between. ${ports}`];
    case 'mail/timeout':
      return [
        `Silence: a firewall drops the connection, or port ${server.port} does not fit security = "${server.security}". ${ports}`,
      ];
    case 'mail/tls':
      return [
        `No secure channel: does port ${server.port} fit security = "${server.security}"? ${ports}`,
        `If the server has a certificate of an authority of your own, name its PEM file in ${section}.ca. If not, somebody may stand between you and the server.`,
      ];
    case 'mail/insecure':
      return [
        `Set ${section}.security to "tls" or "starttls": the password and who writes to whom would cross the net in clear.`,
      ];
    case 'mail/protocol':
    case 'mail/closed':
      return ['The server answers, but not as expected, or not now (too many log-ins, maintenance). Try again later.'];
    case 'mail/login':
      return loginAdvice(section, server.host);
  }
};
