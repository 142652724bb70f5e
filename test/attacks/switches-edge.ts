import { entry, type Switch } from './switch.js';

/** Of mails, servers, files and logs. */
export const edgeSwitches: readonly Switch[] = [
  entry(
    'header and recipient injection',
    'a recipient is one strict form',
    [
      'message/delivery.ts',
      "if (recipient.kind === 'refused') throw",
      "if (recipient.kind === 'refused' && message.recipient === '') throw",
    ],
    'mail-injection',
  ),
  entry(
    'header injection into a notice',
    'a Message-ID is printable, without spaces, and fits a line',
    ['message/head.ts', 'value.match(/<[!-;=?-~]{1,898}>/g)', 'value.match(/<[^>]+>/g)'],
    'mail-injection',
  ),
  entry(
    'injection by an alias',
    'it is sixteen letters and digits',
    ['message/alias.ts', 'return aliasForm.test(alias) ? alias : undefined;', 'return alias;'],
    'mail-injection',
  ),
  entry(
    'SMTP smuggling',
    'every line that is written ends with CRLF',
    ['message/canonical.ts', "const lineEnd = ascii('\\r\\n');", "const lineEnd = ascii('\\n');"],
    'smuggling',
  ),
  // What ends a mail that is handed in is smtp-server's own, and no line of ours.
  entry(
    'SMTP smuggling, by a Message-ID that is read and written again',
    'nothing in it can end a line',
    ['message/head.ts', 'value.match(/<[!-;=?-~]{1,898}>/g)', 'value.match(/<[^>]{1,898}>/g)'],
    'smuggling',
  ),
  entry(
    'relaying mail in clear',
    'an exit hands over one encrypted message or nothing',
    [
      'message/delivery.ts',
      'if (checkEncrypted(message.openpgp) !== undefined) throw',
      'if (message.openpgp.length === 0) throw',
    ],
    'open-relay',
  ),
  entry(
    'relaying through a client',
    'its server wants a log-in',
    ['adapters/submission.ts', 'authOptional: false,', 'authOptional: true,'],
    'open-relay',
  ),
  entry(
    'a submission port that others reach',
    'loopback only',
    [
      'config-schema.ts',
      "host: text('loopback address such as 127.0.0.1', isLoopback)",
      "host: text('loopback address such as 127.0.0.1')",
    ],
    'open-relay',
  ),
  entry(
    'mail loops',
    'a notice for each reason, once',
    [
      'node/replies.ts',
      'const untold = refusals.filter(({ token, reason }) => !store.isMarked(token, `notice ${reason}`));',
      'const untold = refusals;',
    ],
    'mail-loops',
  ),
  entry(
    'mail loops with programs that say what they are',
    'automatic mail is never answered',
    ['message/incoming.ts', "if (isAutomatic(head)) return { kind: 'automatic' };", ''],
    'mail-loops',
  ),
  entry(
    'MIME bombs',
    'a mail that is too large is not taken apart',
    ['adapters/mime.ts', 'if (raw.length > largestParsedMailBytes) throw malformed();', ''],
    'mime-bombs',
  ),
  entry(
    'MIME bombs, deep ones',
    'nodes of a mail are bounded, and so how deep they nest',
    ['adapters/mime.ts', 'maxChildNodes: mostMimeNodes,', 'maxChildNodes: 1e9,'],
    'mime-bombs',
  ),
  entry(
    'MIME bombs, long heads',
    'the bytes of a header are bounded',
    ['adapters/mime.ts', 'maxHeadSize: largestHeaderBytes,', 'maxHeadSize: 1e9,'],
    'mime-bombs',
  ),
  entry(
    'MIME bombs, forwarded mails of many parts',
    'parts of all of them together are bounded',
    ['adapters/mime.ts', 'if (opened.length > mostMimeNodes) throw malformed();', ''],
    'mime-bombs',
  ),
  entry(
    'MIME bombs, mails forwarded inside of forwarded mails',
    'some are opened, one that is deeper stays closed',
    [
      'adapters/mime.ts',
      "part.contentType === 'message/rfc822' && depth < deepestForward",
      "part.contentType === 'message/rfc822'",
    ],
    'mime-bombs',
  ),
  entry(
    'bombs of compressed data',
    'inflating stops at a bound',
    ['adapters/node-compression.ts', 'maxOutputLength: Math.max(1, mostBytes)', 'maxOutputLength: 512 * 1024 * 1024'],
    'bombs',
  ),
  entry(
    'bombs of many attachments',
    'of a mail one attachment is inflated, and of the others the beginning',
    [
      'carrier/directory-mail.ts',
      'compression.begins(content, beginning),',
      "textIn(content, compression, mostBytes)?.startsWith('mixmailer-'),",
    ],
    'bombs',
  ),
  entry(
    'documents of strangers by the thousand',
    'who signed is looked up before the signature is checked',
    ['follow/follow.ts', 'if (!followed.authorities.some(({ key }) => key === namedSigner(text))) return;', ''],
    'lists',
  ),
  entry(
    'bombs while a list is awaited',
    'only who was asked may mail a large one',
    ['follow/follow.ts', 'from !== undefined && isAwaited(deps, from, now) ?', 'true ?'],
    'lists',
  ),
  entry(
    'bombs of OpenPGP packets',
    'a packet is no longer than what is there',
    [
      'message/openpgp.ts',
      'if (length === undefined || length.from + length.length > bytes.length) return undefined;',
      'if (length === undefined) return undefined;',
    ],
    'bombs',
  ),
  entry(
    'names that every object has',
    'an unknown key of the configuration is refused',
    ['config-schema.ts', 'z.strictObject(shape, {', 'z.looseObject(shape, {'],
    'prototype',
  ),
  entry(
    'names that every object has, in documents',
    'a keyword has a strict form',
    ['route/document.ts', '/^([a-z][a-z0-9-]*)(?: (', '/^(\\S+)(?: ('],
    'prototype',
  ),
  entry(
    'telling a refused packet from one that was taken',
    'mails are removed whatever was in them',
    [
      'node/receive.ts',
      "throw new Bug('a packet without a result');\n",
      "throw new Bug('a packet without a result');\n if (results.every(({ kind }) => kind === 'drop')) uids.length = 0;\n",
    ],
    'verdicts',
  ),
  entry(
    'measuring how much of a MAC is right',
    'bytes are compared to their end',
    [
      'base/bytes.ts',
      'for (let i = 0; i < a.length; i++) difference |=',
      'for (let i = 0; i < a.length && difference === 0; i++) difference |=',
    ],
    'verdicts',
  ),
  entry(
    'a browser, and who guesses the token',
    'three wrong log-ins on a line at most',
    ['adapters/submission.ts', 'const isLast = wrong >= mostWrongLogins;', 'const isLast = wrong < 0;'],
    'browser',
  ),
  // That a line ends at the first word of HTTP, or when it does not wait for the greeting, is smtp-server's own.
  entry(
    'a browser that speaks SMTP, without the token',
    'a line has a few commands before its log-in',
    [
      'adapters/submission.ts',
      'maxAllowedUnauthenticatedCommands: mostCommandsBeforeLogin,',
      'maxAllowedUnauthenticatedCommands: 1e9,',
    ],
    'browser',
  ),
  entry(
    'another user of the machine, folders',
    'made for their owner only',
    [
      'adapters/owner-only.ts',
      'mkdirSync(path, { recursive: true, mode: 0o700 });',
      'mkdirSync(path, { recursive: true, mode: 0o755 });',
    ],
    'local-user',
  ),
  entry(
    'another user of the machine, keys and tokens',
    'written for their owner only',
    ['adapters/owner-only.ts', "openSync(temporary, 'wx', 0o600)", "openSync(temporary, 'wx', 0o644)"],
    'local-user',
  ),
  entry(
    'another user of the machine, keys that somebody has opened to others',
    'what others may read is refused',
    ['adapters/owner-only.ts', '(mode & forbiddenBits[readers]) !== 0', 'mode === -1'],
    'local-user',
  ),
  entry(
    'another user of the machine, databases',
    'made for their owner only',
    ['adapters/sqlite.ts', '    makePrivateDatabase(file);\n', ''],
    'local-user',
  ),
  entry(
    'another user of the machine, the configuration',
    'one that others may change is refused',
    ['adapters/owner-only.ts', '(mode & 0o022) !== 0', 'mode === -1'],
    'local-user',
  ),
  entry(
    'STARTTLS struck out, SMTP',
    'without TLS there is no log-in',
    ['adapters/smtp-link.ts', "requireTLS: account.security === 'starttls',", 'requireTLS: false,'],
    'tls-stripping',
  ),
  entry(
    'STARTTLS struck out, IMAP',
    'without TLS there is no log-in',
    [
      'adapters/imap-link.ts',
      "...(account.security === 'tls' ? {} : { doSTARTTLS: account.security === 'starttls' }),",
      '',
    ],
    'tls-stripping',
  ),
  entry(
    'wrong certificates',
    'a certificate is checked',
    ['adapters/mail-account.ts', "minVersion: 'TLSv1.2',", "minVersion: 'TLSv1.2', rejectUnauthorized: false,"],
    'tls-stripping',
  ),
  entry(
    'linking by logs',
    'they hold counts and nothing else',
    ['node/exit.ts', "tally.add('delivery');", "tally.add('delivery'); tally.add(`to/${message.recipient}`);"],
    'logs',
  ),
  entry(
    'learning by a log when something was confirmed',
    'what comes and goes is told once an hour',
    ['post/summed-log.ts', 'if (!summed.has(event)) {', 'if (event.length > 0) {'],
    'logs',
  ),
  entry(
    'a flood from one sender',
    'each sender has a share of the reading',
    ['post/intake.ts', 'perInterval: isListed ? this.#rates.perNode : this.#rates.perSender,', 'perInterval: 1e9,'],
    'flood',
  ),
  {
    ...entry(
      'a flood from many addresses',
      'all who are no nodes have a share of the reading together',
      ['post/intake.ts', 'perInterval: sendersAtOnce * this.#rates.perSender,', 'perInterval: 1e9,'],
      'flood',
    ),
    only: 'a hundred addresses none of which',
  },
  {
    ...entry(
      'a flood from many addresses, before a stranger’s mail',
      'who has had least of late comes first',
      ['carrier/intake.ts', 'a.spent - b.spent || a.mails.length - b.mails.length', 'b.level - a.level'],
      'flood',
    ),
    only: 'a hundred addresses none of which',
  },
  {
    ...entry(
      'a flood that fills the mailbox',
      'near the quota the newest of who has most waiting are removed unread',
      [
        'post/intake.ts',
        'this.#byFolder(overWatermark(left, excess))',
        'this.#byFolder(overWatermark(left, 0 * excess))',
      ],
      'flood',
    ),
    only: 'its quota',
  },
  {
    ...entry(
      'a flood of letters from one address',
      'of who has most some are passed and looked at again later',
      [
        'carrier/intake.ts',
        'senders.flatMap((mails, nth) => mails.slice(nth < most ? level : 0))',
        'waiting.slice(most)',
      ],
      'flood-letters',
    ),
    only: 'one address',
  },
  {
    ...entry(
      'a flood of letters from a hundred thousand addresses',
      'nodes have a room in mind of their own',
      [
        'carrier/intake.ts',
        'overCount(\n      waiting.filter((mail) => mail.isListed === isListed),',
        'overCount(\n      waiting.filter(() => !isListed),',
      ],
      'flood-letters',
    ),
    only: 'a hundred thousand',
  },
  entry(
    'a flood of good packets for mailboxes',
    'they get a share of the mails',
    ['node/shape.ts', 'left === Infinity ? left : Math.floor(left * ownMailShare + unitInterval(rng))', 'left'],
    'flood',
  ),
  entry(
    'an oracle of what a packet is, by what is read next of its sender',
    'a packet costs the same whatever it is',
    [
      'node/receive.ts',
      '    keepPackets(deps, results);\n',
      "    keepPackets(deps, results);\n results.forEach((result) => { if (result.kind !== 'drop' && result.unwrapped.kind === 'to-mailbox') for (const look of given) for (let i = 0; i < 10; i++) intake.pay(look, moment); });\n",
    ],
    'verdicts',
  ),
  entry(
    'a flood of mails of the directory',
    'some are read, then packets have their turn',
    ['post/intake.ts', 'mostMails: mostDirectoryRead,', 'mostMails: Infinity,'],
    'flood-directory',
  ),
  entry(
    'a flood of bombs among mails of the directory',
    'text is inflated up to a bound, then packets have their turn',
    ['follow/mails.ts', 'if (turn.text <= 0) break;', ''],
    'flood-directory',
  ),
  entry(
    'a flood that keeps authorities from hearing one another',
    'known accounts and strangers take turns',
    ['follow/mails.ts', 'nodes: known(),', 'nodes: new Set<string>(),'],
    'flood-directory',
  ),
  entry(
    'a flood of mails of the directory that fills the mailbox',
    'what one sender has too many of is removed unread',
    ['follow/mails.ts', 'if (intake.isWaiting)', 'if (counts.size < 0)'],
    'flood-directory',
  ),
  entry(
    'a seized disk',
    'the database is rewritten without what was deleted',
    ['adapters/sqlite.ts', "db.exec('VACUUM');", ';'],
    'seized-disk',
  ),
  entry(
    'an authority that its backup makes sign twice',
    'it abstains for rounds that had begun',
    ['compose-backup.ts', 'noteRestored(store, Math.max(now, madeAt));', ''],
    'restored',
  ),
  entry(
    'a node that its backup makes forget what it has seen',
    'a restore destroys the mix keys that are there',
    ['compose-backup.ts', 'for (const file of present) if (isMixKey(path.basename(file))) destroyFile(file);', ''],
    'restored',
  ),
  entry(
    'a client that its backup makes send again',
    'messages under way are settled before it starts',
    ['compose-backup.ts', "if (status !== undefined) settle(deps, status, { kind: 'restored' }, now);", ''],
    'restored',
  ),
];
