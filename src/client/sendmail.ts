/** What a mail program asked of `sendmail`. */
export interface SendmailRequest {
  /** `-t`: recipients are (also) in To, Cc and Bcc of the mail. */
  readonly recipientsFromHeader: boolean;
  /** `-i`, `-oi`: a line with a single dot does not end the mail. */
  readonly dotsAreText: boolean;
  /** `-C`: our config file. */
  readonly configFile: string | undefined;
  readonly recipients: readonly string[];
}

export type SendmailArguments =
  { readonly kind: 'request'; readonly request: SendmailRequest } | { readonly kind: 'usage'; readonly what: string };

/** Flags with a value that say nothing to us: sender, full name, body type, DSN wishes, envelope id, log file, tag. */
const ignoredWithValue = 'fFBNRVXLrhOp';
/** Flags without one. */
const ignoredAlone = 'vnUGmesw';

/**
 * Reads the arguments that mail programs give to sendmail; those that mean nothing here (`-f` too: the envelope sender
 * is the user's own account) are accepted and left aside. Modes other than sending (`-bs`, `-bd`, `-q`) are refused.
 *
 * @param args without the program's name
 */
export const readSendmailArguments = (args: readonly string[]): SendmailArguments => {
  let recipientsFromHeader = false;
  let dotsAreText = false;
  let configFile: string | undefined;
  const recipients: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      recipients.push(...rest.splice(0));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      recipients.push(arg);
      continue;
    }
    const flag = arg.charAt(1);
    const attached = arg.slice(2);
    if (flag === 't' && attached === '') recipientsFromHeader = true;
    else if (flag === 't' && attached === 'i') recipientsFromHeader = dotsAreText = true;
    else if (flag === 'i' && attached === '') dotsAreText = true;
    else if (flag === 'o') {
      if (attached === 'i') dotsAreText = true;
    } else if (flag === 'b') {
      if (attached !== 'm') return { kind: 'usage', what: `${arg}: only -bm (deliver a mail) is known here` };
    } else if (flag === 'C') {
      configFile = attached === '' ? rest.shift() : attached;
      if (configFile === undefined) return { kind: 'usage', what: '-C needs a file' };
    } else if (ignoredWithValue.includes(flag)) {
      if (attached === '' && rest.shift() === undefined) return { kind: 'usage', what: `${arg} needs a value` };
    } else if (!ignoredAlone.includes(flag)) return { kind: 'usage', what: `${arg} is not known here` };
  }
  return { kind: 'request', request: { recipientsFromHeader, dotsAreText, configFile, recipients } };
};

const lineFeed = 10;
const dot = 46;
const carriageReturn = 13;

/** The mail up to a line that holds a single dot; the whole of it if there is none. */
export const untilDotLine = (mail: Uint8Array): Uint8Array => {
  for (let at = mail.indexOf(dot); at !== -1; at = mail.indexOf(dot, at + 1)) {
    const startsLine = at === 0 || mail[at - 1] === lineFeed;
    const after = mail[at + 1] === carriageReturn ? mail[at + 2] : mail[at + 1];
    if (startsLine && (after === lineFeed || at + 1 === mail.length)) return mail.slice(0, at);
  }
  return mail;
};
