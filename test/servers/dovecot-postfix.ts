import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  freePort,
  makeCertificates,
  removeFolder,
  runs,
  shortFolder,
  tied,
  type Tied,
  tiedByShell,
  untilAnswers,
} from './child.js';
import type { Account, MailWorld, ServerKind } from './mail-world.js';

const dovecotProgram = '/usr/sbin/dovecot';
const postfixMaster = '/usr/lib/postfix/sbin/master';

interface Ports {
  readonly imap: number;
  readonly imaps: number;
  readonly lmtp: number;
  readonly auth: number;
  readonly smtp: number;
  readonly smtps: number;
}

const idOf = (user: string, flag: '-u' | '-g'): number => Number(spawnSync('id', [flag, user]).stdout.toString());

const quotaConf = `
protocol imap {
  mail_plugins = $mail_plugins imap_quota
}
`;

const dovecotConf = (folder: string, ports: Ports, uid: number, gid: number): string => `
base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovecot
first_valid_uid = 1
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login
auth_username_format = %Lu
mail_location = maildir:${folder}/mail/%Ld/%Ln
recipient_delimiter = +
mail_fsync = never
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
passdb {
  driver = passwd-file
  # A file per user: a shared one is read again a second after it grew.
  args = ${folder}/users/%Lu
}
userdb {
  driver = passwd-file
  args = ${folder}/users/%Lu
  default_fields = uid=${uid} gid=${gid} home=${folder}/mail/%Ld/%Ln
}
mail_plugins = quota
plugin {
  quota = count:User quota
  quota_vsizes = yes
}
# A full mailbox is said to be full for now.
quota_full_tempfail = yes
service anvil {
  chroot =
}
service stats {
  chroot =
}
service auth {
  inet_listener {
    port = ${ports.auth}
  }
}
service imap-login {
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${ports.imaps}
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${ports.lmtp}
  }
}
namespace inbox {
  inbox = yes
  mailbox Junk {
    special_use = \\Junk
    auto = subscribe
  }
  mailbox Sent {
    special_use = \\Sent
    auto = subscribe
  }
  mailbox Trash {
    special_use = \\Trash
    auto = subscribe
  }
}
`;

const mainCf = (folder: string, ports: Ports, tablePort: number, nextPort: number): string => `
compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${folder}/postfix.log
maillog_file_prefixes = ${folder}
myhostname = mail.test
mydestination =
mynetworks =
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = tcp:127.0.0.1:${tablePort}
virtual_mailbox_maps = tcp:127.0.0.1:${tablePort}
virtual_transport = lmtp:inet:127.0.0.1:${nextPort}
virtual_mailbox_limit = 0
recipient_delimiter = +
mailbox_size_limit = 0
message_size_limit = 67108864
in_flow_delay = 0
smtpd_banner = $myhostname ESMTP
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${ports.auth}
smtpd_sasl_security_options = noanonymous
smtpd_sender_login_maps = tcp:127.0.0.1:${tablePort}
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject
smtpd_delay_reject = yes
smtpd_error_sleep_time = 0
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${folder}/cert.pem
smtpd_tls_key_file = ${folder}/key.pem
smtpd_tls_auth_only = no
smtp_tls_security_level = none
# Attempts to deliver what could not be delivered, in seconds: tests don't wait for minutes.
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 5s
`;

const masterCf = (ports: Ports): string => `
127.0.0.1:${ports.smtp} inet n - n - - smtpd
127.0.0.1:${ports.smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;

/** Postfix's tcp_table(5): every address and domain of the world maps to itself, a plus address to its bare one. */
const startTable = async (known: ReadonlySet<string>): Promise<Server> => {
  const server = createServer((socket) => {
    let rest = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const requests = `${rest}${chunk.toString('latin1')}`.split('\n');
      rest = requests.pop() ?? '';
      for (const request of requests) {
        const asked = decodeURIComponent(request.replace(/^get /, '').trim()).toLowerCase();
        // Postfix asks this kind of table for the whole address only.
        const key = known.has(asked) ? asked : asked.replace(/\+[^@]*@/, '@');
        socket.write(known.has(key) ? `200 ${key}\n` : '500 none\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return server;
};

/** What `postfix check` makes, without its three seconds of waiting. */
const makeQueue = (folder: string): void => {
  const owner = idOf('postfix', '-u');
  const group = idOf('postfix', '-g');
  const droppers = spawnSync('getent', ['group', 'postdrop']).stdout.toString().split(':')[2];
  const make = (path: string, mode: number, to: readonly [number, number]): void => {
    mkdirSync(path);
    chmodSync(path, mode);
    chownSync(path, ...to);
  };
  make(`${folder}/data`, 0o700, [owner, group]);
  make(`${folder}/queue`, 0o755, [0, 0]);
  make(`${folder}/queue/pid`, 0o755, [0, 0]);
  for (const name of ['active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private'])
    make(`${folder}/queue/${name}`, 0o700, [owner, group]);
  for (const name of ['saved', 'trace']) make(`${folder}/queue/${name}`, 0o700, [owner, group]);
  make(`${folder}/queue/maildrop`, 0o1730, [owner, Number(droppers)]);
  make(`${folder}/queue/public`, 0o2710, [owner, Number(droppers)]);
};

/** How the two servers are set up otherwise than usual. */
export interface DovecotPostfixOptions {
  /** Port of an LMTP server to which Postfix hands all mails; Dovecot's own unless said otherwise. */
  readonly nextPort?: number;
  /** IMAP tells how full mailboxes are, where they have a limit. */
  readonly tellsQuota?: true;
}

/** The two servers, and what goes wrong with them. */
export interface DovecotPostfix extends MailWorld {
  /** Where Dovecot takes mails. */
  readonly lmtpPort: number;
  /** Stops the server, waits so long and starts it again, with all it had. */
  readonly restart: (server: 'dovecot' | 'postfix', awayMs: number) => Promise<void>;
  /** Numbers the mails of that inbox anew, as after a restored backup. */
  readonly renumber: (account: Account) => void;
  /** Dovecot can't read the mail of that inbox with those words in it any more. */
  readonly damage: (account: Account, words: string) => void;
  /** It can again. */
  readonly mend: (account: Account, words: string) => void;
  /** No more than these bytes fit into the mailbox from now on; undefined: as much as comes. */
  readonly limit: (account: Account, bytes: number | undefined) => void;
}

export const startDovecotPostfix = async (options: DovecotPostfixOptions = {}): Promise<DovecotPostfix> => {
  const folder = shortFolder();
  const ports: Ports = {
    imap: await freePort(),
    imaps: await freePort(),
    lmtp: await freePort(),
    auth: await freePort(),
    smtp: await freePort(),
    smtps: await freePort(),
  };
  // Dovecot refuses mail for uid 0; its own user has a home for it here.
  const uid = idOf('dovecot', '-u');
  const gid = idOf('dovecot', '-g');
  const domain = 'mix.test';
  // Postfix takes it, Dovecot's LMTP doesn't know it.
  const bouncing = `gone@${domain}`;
  const known = new Set([domain, bouncing]);
  const table = await startTable(known);

  chmodSync(folder, 0o755);
  makeCertificates(folder);
  mkdirSync(`${folder}/users`);
  const conf = dovecotConf(folder, ports, uid, gid);
  writeFileSync(`${folder}/dovecot.conf`, options.tellsQuota ? `${conf}${quotaConf}` : conf);
  for (const name of ['', '/users', '/dovecot.conf', '/key.pem', '/cert.pem']) chownSync(folder + name, uid, gid);
  mkdirSync(`${folder}/postfix`);
  writeFileSync(
    `${folder}/postfix/main.cf`,
    mainCf(folder, ports, (table.address() as AddressInfo).port, options.nextPort ?? ports.lmtp),
  );
  writeFileSync(`${folder}/postfix/master.cf`, masterCf(ports));
  // Postfix reads a young file again and again, to be sure that nobody is still writing it: 2 s.
  utimesSync(`${folder}/postfix/main.cf`, 0, 0);
  makeQueue(folder);

  const startDovecot = (): Tied => tied(dovecotProgram, ['-F', '-c', `${folder}/dovecot.conf`]);
  const startPostfix = (): Tied => tiedByShell(postfixMaster, ['-c', `${folder}/postfix`, '-d']);
  let dovecot = startDovecot();
  let postfix = startPostfix();
  // One after the other: of two that are begun at once only one has the port, and nobody would know which.
  let restarts: Promise<void> = Promise.resolve();
  const dovecotAnswers = (): Promise<void> => untilAnswers(dovecot, ports.imap, `${folder}/dovecot.log`);
  const postfixAnswers = (): Promise<void> => untilAnswers(postfix, ports.smtp, `${folder}/postfix.log`);
  const stop = async (): Promise<void> => {
    await Promise.all([postfix.stop('SIGTERM'), dovecot.stop('SIGQUIT')]);
    table.close();
    removeFolder(folder);
  };
  try {
    await dovecotAnswers();
    await postfixAnswers();
  } catch (error) {
    await stop();
    throw error;
  }

  const ca = readFileSync(`${folder}/ca.pem`, 'utf8');
  const writeUser = (address: string, password: string, rule = ''): void =>
    writeFileSync(`${folder}/users/${address}`, `${address}:{PLAIN}${password}::::::${rule}\n`);
  const fileOf = ({ address }: Account, words: string): string => {
    const [user = '', at = ''] = address.split('@');
    const mails = ['new', 'cur'].map((place) => `${folder}/mail/${at}/${user}/${place}`);
    const files = mails.flatMap((place) => readdirSync(place).map((name) => `${place}/${name}`));
    return files.find((file) => readFileSync(file, 'latin1').includes(words)) ?? '';
  };
  return {
    lmtpPort: ports.lmtp,
    restart: (server, awayMs) => {
      const restarted = restarts.then(async () => {
        await (server === 'dovecot' ? dovecot.stop('SIGQUIT') : postfix.stop('SIGTERM'));
        await sleep(awayMs);
        if (server === 'dovecot') {
          dovecot = startDovecot();
          await dovecotAnswers();
        } else {
          postfix = startPostfix();
          await postfixAnswers();
        }
      });
      restarts = restarted.catch(() => undefined);
      return restarted;
    },
    renumber: ({ address }) => {
      const [user = '', at = ''] = address.split('@');
      // Dovecot makes a new list, with a new UIDVALIDITY, for the mails that it finds.
      for (const name of ['dovecot-uidlist', 'dovecot.index', 'dovecot.index.log', 'dovecot.index.cache'])
        rmSync(`${folder}/mail/${at}/${user}/${name}`, { force: true });
    },
    damage: (account, words) => chmodSync(fileOf(account, words), 0),
    mend: (account, words) => chmodSync(fileOf(account, words), 0o600),
    limit: ({ address, password }, bytes) =>
      writeUser(address, password, bytes === undefined ? '' : `userdb_quota_rule=*:bytes=${bytes}`),
    name: 'dovecot-postfix',
    domain,
    refusesUnknownRecipients: true,
    plusAddresses: true,
    bouncing,
    stop,
    addAccount(user, at = domain): Promise<Account> {
      const address = `${user}@${at}`.toLowerCase();
      const password = `pw-${user}`;
      writeUser(address, password);
      known.add(address).add(at.toLowerCase());
      const common = {
        host: '127.0.0.1',
        security: 'none',
        user: address,
        credential: () => Promise.resolve({ password }),
      } as const;
      return Promise.resolve({
        address,
        user: address,
        password,
        imap: { ...common, port: ports.imap },
        smtp: { ...common, port: ports.smtp },
        ca,
      });
    },
    secured: (account, security) => ({
      ...account,
      imap: { ...account.imap, security, ca, port: security === 'tls' ? ports.imaps : ports.imap },
      smtp: { ...account.smtp, security, ca, port: security === 'tls' ? ports.smtps : ports.smtp },
    }),
  };
};

/** Debian's Dovecot and Postfix with folders of their own: real IMAP, LMTP and submission. */
export const dovecotPostfix = (): ServerKind => {
  const name = 'dovecot-postfix';
  const remedy = 'as root: apt-get install dovecot-imapd dovecot-lmtpd postfix openssl';
  const unavailable = (reason: string): ServerKind => ({ name, kind: 'unavailable', reason, remedy });
  if (process.getuid?.() !== 0) return unavailable('Postfix needs root');
  for (const file of [dovecotProgram, '/usr/lib/dovecot/lmtp', '/usr/lib/dovecot/imap', postfixMaster])
    if (!existsSync(file)) return unavailable(`${file} is missing`);
  if (!runs('openssl', 'version')) return unavailable('openssl is missing');
  if (!runs('setpriv', '--version')) return unavailable('setpriv is missing');
  return { name, kind: 'available', how: 'Debian packages', start: () => startDovecotPostfix() };
};
