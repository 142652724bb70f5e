import { domainOf, mailboxIn } from './base/address.js';
import type { Fail, FurtherAccount, MailAccount, MailConfig } from './config.js';
import { budgetOf } from './config-budget.js';
import type { FileConfig } from './config-schema.js';
import { serverOf } from './config-server.js';
import { operatorOf } from './provider/operator.js';

interface AccountContext {
  readonly at: (name: string) => string;
  readonly fail: Fail;
}

const imapPorts = { tls: 993, starttls: 143, none: 143 } as const;
const smtpPorts = { tls: 465, starttls: 587, none: 25 } as const;

type FileAccount = Omit<FileConfig['mail'], 'proxy' | 'further'>;

const accountIn = (name: string, read: FileAccount, { at, fail }: AccountContext): MailAccount => {
  const address = mailboxIn(read.address) ?? read.address;
  const provider = read.provider?.toLowerCase() ?? domainOf(address);
  const imap = read.imap && serverOf(`${name}.imap`, { host: read.imap, standard: imapPorts }, { at, fail, address });
  const smtp = serverOf(`${name}.smtp`, { host: read.smtp, standard: smtpPorts }, { at, fail, address, like: imap });
  return { address, provider, imap, smtp, budget: budgetOf(read.budget, { address, provider }) };
};

/** The accounts of the file. */
export const mailOf = (read: FileConfig, context: AccountContext): MailConfig => {
  const { fail } = context;
  const first = accountIn('mail', read.mail, context);
  const seen = new Set([first.address.toLowerCase()]);
  const further = read.mail.further.flatMap((one, i): FurtherAccount[] => {
    const name = `mail.further.${i}`;
    const account = accountIn(name, one, context);
    if (seen.has(account.address.toLowerCase())) fail(`${name}.address`, 'another address than before', 'the same');
    seen.add(account.address.toLowerCase());
    // On a path a node stands for the one provider that sees its mails.
    if (operatorOf(account.provider) !== operatorOf(first.provider))
      fail(`${name}.provider`, `the provider of mail.address, ${first.provider}`, account.provider);
    return account.imap === undefined ? [] : [{ ...account, imap: account.imap }];
  });
  if (further.length > 0 && read.node === undefined)
    fail('mail.further', 'nothing: only a node has several accounts', `${further.length} of them`);
  return { ...first, proxy: read.mail.proxy, further };
};

/** An account, where it stands in the file. */
export interface AccountSection {
  /** `mail`, `mail.further.0`. */
  readonly section: string;
  readonly account: MailAccount;
  readonly proxy: string | undefined;
  /** Address of a further one. */
  readonly further: string | undefined;
}

/** All accounts, the first one first. */
export const sectionsIn = (mail: MailConfig): readonly AccountSection[] => [
  { section: 'mail', account: mail, proxy: mail.proxy, further: undefined },
  ...mail.further.map((account, i) => ({
    section: `mail.further.${i}`,
    account,
    proxy: mail.proxy,
    further: account.address,
  })),
];

/** What is said behind words about an account, so that it is known which. */
export const named = ({ further }: AccountSection): string => (further === undefined ? '' : ` (${further})`);

/** All accounts, the first one first. */
export const accountsIn = (mail: MailConfig): readonly [MailAccount, ...FurtherAccount[]] => [mail, ...mail.further];
