import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, MailError, Stopped } from '../../src/base/errors.js';
import {
  type AccountDeps,
  type Candidate,
  findAccount,
  type GivenAccount,
  type Looked,
  SetupFailure,
} from '../../src/setup/account.js';
import type { SelfMail } from '../../src/setup/self-mail.js';
import { conversation } from '../fakes/talk.js';

const nothing: GivenAccount = {
  address: undefined,
  imap: undefined,
  smtp: undefined,
  user: undefined,
  secret: undefined,
  provider: undefined,
  proxy: undefined,
};
const arrived: SelfMail = { kind: 'arrived', folder: 'INBOX', cameAt: 5000, afterMs: 1234, stampedAt: 4000 };

/** A provider: what it says to each log-in, and what becomes of the mail. */
interface Provider {
  imap: (account: Candidate) => void;
  smtp: (account: Candidate) => void;
  mails: SelfMail[];
  canRemove: boolean;
}
let provider: Provider;
const tried: string[] = [];
const refused = (): never => {
  throw new MailError('mail/login', 'log-in refused');
};
const goodPassword = ({ secret }: Candidate): void => {
  if (secret.kind === 'typed' && secret.password !== 'right') refused();
};

beforeEach(() => {
  provider = { imap: goodPassword, smtp: goodPassword, mails: [], canRemove: true };
  tried.length = 0;
});

const asks = (talk: AccountDeps['talk'], telling: AccountDeps['tell']): AccountDeps => ({
  talk,
  tell: telling,
  logInImap: async (account) => {
    tried.push(`${account.imap.user} ${account.imap.host}:${account.imap.port}`);
    await Promise.resolve().then(() => provider.imap(account));
    return { canRemove: provider.canRemove };
  },
  logInSmtp: (account) => Promise.resolve().then(() => provider.smtp(account)),
  greetSelf: () => Promise.resolve(provider.mails.shift() ?? arrived),
});

const setUp = async (given: Partial<GivenAccount>, ...answers: readonly (string | boolean)[]) => {
  const { talk, telling, lines } = conversation(...answers);
  const found = await findAccount(asks(talk, telling), { ...nothing, ...given });
  return { ...found, lines };
};
const alone = (given: Partial<GivenAccount>) => {
  const { telling } = conversation();
  return findAccount(asks(undefined, telling), { ...nothing, ...given });
};

describe('an account', () => {
  it('at a provider that is known takes an address and a password', async () => {
    const { account, lines, askedServers } = await setUp({}, 'mix@posteo.net', 'right');
    expect(account).toEqual({
      address: 'mix@posteo.net',
      imap: { host: 'posteo.de', port: 993, security: 'tls', user: 'mix@posteo.net' },
      smtp: { host: 'posteo.de', port: 465, security: 'tls', user: 'mix@posteo.net' },
      secret: { kind: 'typed', password: 'right' },
    });
    expect(askedServers).toBe(false);
    expect(lines).toEqual([
      '? Mail address',
      expect.stringContaining('note Posteo takes the password'),
      '? Password',
      'ok logged in over IMAP at posteo.de:993',
      'ok logged in over SMTP at posteo.de:465',
      'ok a mail to itself came into INBOX after 1.2 s, and was removed',
    ]);
  });

  it('at iCloud logs in with the name over IMAP, and with the address over SMTP', async () => {
    const { account, lines } = await setUp({}, 'mix@icloud.com', 'right');
    expect([account.imap.user, account.smtp.user]).toEqual(['mix', 'mix@icloud.com']);
    expect(lines).toContain('? App password');
  });

  it('at Outlook is asked for a command, never for a password', async () => {
    const { account, lines } = await setUp({}, 'mix@outlook.com', 'pizauth show outlook');
    expect(account.secret).toEqual({ kind: 'tokenCommand', command: 'pizauth show outlook' });
    expect(lines.filter((line) => line.startsWith('?'))).toEqual([
      '? Mail address',
      '? Command that prints an access token',
    ]);
  });

  it('with a domain of its own at Microsoft has the servers for customers', async () => {
    const { account } = await setUp(
      { provider: 'outlook.com', secret: { kind: 'tokenCommand', command: 'x' } },
      'mix@firm.example',
    );
    expect(account.smtp).toMatchObject({ host: 'smtp.office365.com', port: 587, security: 'starttls' });
  });

  describe('of an unknown domain whose servers may be looked up', () => {
    const found = {
      imap: { host: 'imap.host.example', port: 993, security: 'tls' },
      smtp: { host: 'smtp.host.example', port: 587, security: 'starttls' },
      user: 'name before the @',
    } as const;
    const lookingUp = async (looked: Looked | undefined, ...answers: readonly string[]) => {
      const { talk, telling, lines } = conversation(...answers);
      const deps = { ...asks(answers.length === 0 ? undefined : talk, telling), lookUp: () => Promise.resolve(looked) };
      const secret = { kind: 'typed', password: 'right' } as const;
      return { ...(await findAccount(deps, { ...nothing, address: 'mix@example.org', secret })), lines };
    };

    it('has those that are published, once they are confirmed', async () => {
      const { account, lines } = await lookingUp({ ...found, isVouched: false }, '');
      expect(lines[0]).toBe('? Mail servers: IMAP, then SMTP (as they are published)');
      expect(account.imap).toEqual({ ...found.imap, user: 'mix' });
      expect(account.smtp).toEqual({ ...found.smtp, user: 'mix' });
    });

    it('has others where its user knows better', async () => {
      const { account } = await lookingUp({ ...found, isVouched: true }, 'mail.example.org');
      expect([account.imap.host, account.imap.user]).toEqual(['mail.example.org', 'mix@example.org']);
    });

    it('is asked for them where nobody publishes any', async () => {
      const { lines } = await lookingUp(undefined, '');
      expect(lines.slice(0, 2)).toEqual([
        'note nobody publishes mail servers of example.org.',
        '? Mail servers: IMAP, then SMTP (a guess stands there)',
      ]);
    });

    it('takes from the DNS, where nobody can confirm it, what is below the domain itself alone', async () => {
      await expect(lookingUp({ ...found, isVouched: false })).rejects.toThrow(
        new ConfigError(
          '--imap and --smtp are missing: the DNS says imap.host.example and smtp.host.example:587, and nobody vouches for it',
        ),
      );
      expect(tried).toEqual([]);
      expect((await lookingUp({ ...found, isVouched: true })).account.imap.host).toBe('imap.host.example');
      const own = {
        ...found,
        imap: { ...found.imap, host: 'imap.example.org' },
        smtp: { ...found.smtp, host: 'example.org' },
      };
      expect((await lookingUp({ ...own, isVouched: false })).account.smtp.host).toBe('example.org');
      await expect(lookingUp({ ...own, smtp: found.smtp, isVouched: false })).rejects.toThrow(ConfigError);
    });
  });

  it('of an unknown domain is asked for servers, and is tried nowhere before they are confirmed', async () => {
    const { account, lines, askedServers } = await setUp({}, 'mix@example.org', '', 'right');
    expect(lines[1]).toBe('? Mail servers: IMAP, then SMTP (a guess stands there)');
    expect([account.imap.host, account.smtp.host, askedServers]).toEqual([
      'imap.example.org',
      'smtp.example.org',
      true,
    ]);
    await expect(setUp({}, 'mix@example.org')).rejects.toThrow(Stopped);
    expect(tried).toHaveLength(1);
  });

  it('with a wrong password is asked for it again, with what its provider wants', async () => {
    const { lines } = await setUp({}, 'mix@gmail.com', 'wrong', 'right');
    expect(lines.filter((line) => /^(\?|WRONG)/.test(line))).toEqual([
      '? Mail address',
      '? App password',
      expect.stringMatching(
        /^WRONG imap.gmail.com refuses the log-in: Gmail takes an app password only.*apppasswords\.$/,
      ),
      '? App password',
    ]);
  });

  it('whose IMAP is switched off is told apart from one with a wrong password', async () => {
    let isOff = true;
    provider.imap = () => {
      if (isOff) refused();
    };
    provider.smtp = () => {
      isOff = false;
    };
    const { lines } = await setUp({}, 'mix@web.de', 'right', true);
    expect(lines).toContain(
      'WRONG The password is right, for SMTP takes it, but IMAP at imap.web.de refuses it: switch IMAP on in the settings of your provider, then try again.',
    );
    expect(lines).toContain('? Try again?');
  });

  it.each([
    ['mail/connect', 'no connection (ENOTFOUND)', 'No server of the name imap.example.org is known'],
    ['mail/connect', 'no connection (ECONNREFUSED)', 'Nothing listens at port 993 of imap.example.org'],
    ['mail/connect', 'no connection', 'whether a firewall stands between'],
    ['mail/timeout', 'no answer', 'Silence from imap.example.org:993'],
    ['mail/tls', 'no secure channel', 'with --ca'],
    ['mail/insecure', 'clear text', 'leave /none away'],
  ] as const)('whose server fails with %s (%s) is asked for the servers again', async (code, text, sentence) => {
    provider.imap = ({ imap }) => {
      if (imap.host === 'imap.example.org') throw new MailError(code, text);
    };
    const { lines, account } = await setUp({}, 'mix@example.org', '', 'right', 'mail.example.org');
    const wrong = lines.filter((line) => line.startsWith('WRONG'));
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain(sentence);
    expect(wrong[0]).not.toMatch(/\. [A-Z]/);
    expect(account.smtp.host).toBe('mail.example.org');
    expect(tried).toEqual(['mix@example.org imap.example.org:993', 'mix@example.org mail.example.org:993']);
  });

  it.each<[SelfMail, string]>([
    [
      { kind: 'full', usedBytes: 99 * 1024 * 1024, limitBytes: 100 * 1024 * 1024 },
      'The mailbox is full (99 MB of 100 MB): empty it',
    ],
    [{ kind: 'refused', code: 552 }, 'refuses a mail to its own mailbox (code 552)'],
    [{ kind: 'limit' }, 'has sent too much: try again in some hours'],
    [{ kind: 'later' }, 'takes no mail now'],
    [{ kind: 'bounced' }, 'The mail came back'],
    [{ kind: 'lost' }, 'has not come within 2 minutes'],
  ])(
    'whose mail to itself ends as %o is told what to do, and tried again when its user says so',
    async (mail, sentence) => {
      provider.mails = [mail];
      const { lines } = await setUp({}, 'mix@posteo.de', 'right', true);
      expect(lines.find((line) => line.startsWith('WRONG'))).toContain(sentence);
      provider.mails = [mail];
      await expect(setUp({}, 'mix@posteo.de', 'right', false)).rejects.toThrow(SetupFailure);
      provider.mails = [mail];
      await expect(
        alone({ address: 'mix@posteo.de', secret: { kind: 'typed', password: 'right' } }),
      ).rejects.toMatchObject({
        isAnswer: false,
      });
    },
  );

  it('that can not remove mails is no account for this, and another is asked for', async () => {
    provider.canRemove = false;
    provider.imap = ({ address }) => {
      provider.canRemove = address === 'other@posteo.de';
    };
    const { account, lines } = await setUp({}, 'mix@posteo.de', 'right', 'other@posteo.de', 'right');
    expect(account.address).toBe('other@posteo.de');
    expect(lines.some((line) => line.includes('no UIDPLUS'))).toBe(true);
  });

  it('whose secret can not be had says why', async () => {
    provider.imap = ({ secret }) => {
      if (secret.kind === 'typed') return;
      const cause = new ConfigError('mail.imap.passwordCommand: the command ended with exit code 2');
      throw new MailError('mail/login', 'no credential', { cause });
    };
    const { lines } = await setUp({ secret: { kind: 'passwordCommand', command: 'false' } }, 'mix@posteo.de', 'right');
    expect(lines).toContain('WRONG mail.imap.passwordCommand: the command ended with exit code 2.');
  });

  it('where nobody can be asked says which flag is missing or wrong', async () => {
    const secret = { kind: 'typed', password: 'wrong' } as const;
    await expect(alone({})).rejects.toThrow(new ConfigError('the address is missing: nobody can be asked here'));
    await expect(alone({ address: 'mix' })).rejects.toThrow('the address: This is no mail address');
    await expect(alone({ address: 'mix@example.org', secret })).rejects.toThrow('--imap and --smtp is missing');
    await expect(alone({ address: 'mix@posteo.de' })).rejects.toThrow('--password-file (or --password-command');
    await expect(alone({ address: 'mix@posteo.de', secret, imap: 'a b' })).rejects.toThrow(
      '--imap: A server is written',
    );
    await expect(alone({ address: 'mix@posteo.de', secret })).rejects.toMatchObject({ isAnswer: true });
  });

  it('does not hide a bug of ours', async () => {
    provider.imap = () => {
      throw new TypeError('ours');
    };
    await expect(setUp({}, 'mix@posteo.de', 'right')).rejects.toThrow(TypeError);
  });
});
