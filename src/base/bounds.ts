import { dayMs, hourMs, kib, mib, minuteMs } from './units.js';

/**
 * All bounds on what comes from outside, each with the reason for its size. What an operator may set stands in the
 * configuration, with the default from here; what the wire format fixes (sizes of packets, fields and documents) stands
 * where the format is written down: sphinx/geometry, message/fragment, council/.
 */

// ---- one mail ----

/** Larger mails are named and not fetched: the largest of the network's, 64 packets, has 2.9 MB; gateways may wrap it twice. */
export const largestMailBytes = 8 * mib;
/** What a general MIME parser is given. The largest message of the network is 6.5 MB, 9 MB armored; a client takes such a mail. */
export const largestParsedMailBytes = 16 * mib;
/** MIME nodes of one mail, multiparts included, and so how deep they nest: each costs the parser its state, honest mails have ten. */
export const mostMimeNodes = 100;
/** Forwarded mails inside of forwarded mails: one that is forwarded as an attachment, of a gateway's wrapping, and one to spare. */
export const deepestForward = 3;
/** Of a mail's header: servers prepend a few kilobytes of trace and filter fields; one far longer is not worth a search. */
export const largestHeaderBytes = 256 * kib;
/** Of its fields: honest mails have a hundred, and each costs more memory than its three bytes. What comes behind is passed over. */
export const mostHeaderFields = 2000;
/** Addresses and message ids of one mail that an exit looks up: each is a question to the store. */
export const mostNames = 20;
/** Of one From that is searched for its address, in characters: the search takes a square of them at the worst. */
export const longestFrom = 1000;
/** A file with a user's public keys: one that thousands have signed has some hundred KiB. */
export const largestKeyFileBytes = 4 * mib;
/** OpenPGP packets of one message: every recipient costs one; a mail to more people than this is not what the network is for. */
export const mostOpenPgpPackets = 200;
/** Pieces of one such packet: a message of the largest size in pieces of the least first size, 512 bytes. */
export const mostOpenPgpPieces = 16_384;
/** Of one Subject: RFC 5322 allows lines of 998 characters; behind a few of them nobody looks for words. */
export const largestSubjectBytes = 4 * kib;

// ---- what the mail server says ----

/** One line of its: a SEARCH answer names every mail of a folder, and this is a million of them. */
export const longestImapLineBytes = 8 * mib;
/** Bytes of the mails of one fetch, a single mail excepted. */
export const largestFetchBytes = 32 * mib;
/** Mails of one fetch. */
export const mostFetched = 256;
/**
 * With less room on its disk than this a node reads no mail: on a full one nothing can be handed over or forgotten either. A
 * flush of 200 packets writes nine of these megabytes, and the log of changes has as many before it goes into the database.
 */
export const leastIntakeBytes = 32 * mib;
/** Mails of one look: a row of a mail that is only looked at has some hundred bytes. */
export const mostLookedAt = 1000;

// ---- what a node reads of whom; all packets, in the time of one mix interval ----

/**
 * What the mails of one address may bring that is no node's of the list (`node.limits.packetsPerSender`).
 *
 * An account of 350 mails a day gives its client's pace 233 of them (cover/pace). Filled with 64 packets each, the most
 * there is, they are 124 packets in an interval of 12 minutes, and a client draws its first hops from three nodes or more: 41 for one of
 * them. At its usual pace a client brings 0.2. And a node that mails 64 packets to each of three successors at each flush
 * carries 192: one sender gets a quarter of that.
 */
export const packetsPerSender = 48;
/**
 * The same for a node of the list (`node.limits.packetsPerNode`): 2,000 mails a day is the most that a provider's account
 * stands (provider/table), and at 64 packets they are 1,067 in an interval of 12 minutes, if all of them went to one node.
 */
export const packetsPerNode = 1100;
/** All who are no nodes together: as many as ten clients that fill their bucket, or 2,400 at the usual pace. */
export const sendersAtOnce = 10;
/**
 * Who has had least of late is read first, and what was read counts half after so many intervals: two hours. A hundred addresses of one
 * flooder, each of which is read a bundle of 64 in 13 intervals, stay behind a client at its usual pace; so do three hundred.
 */
export const halfLifeIntervals = 10;
/** With less than this, in packets, and a full bucket a sender is forgotten: nobody's name is kept longer than a day for one bundle. */
export const leastSpent = 1 / 2;
/** What may come at once is what fills up in so many intervals: five bundles of 64; a node may have been away for some flushes. */
export const burstIntervals = 7;
/** What the smallest letter costs, in packets: the parser needs for it what a packet's opening takes. */
export const leastLetterCost = 1 / 16;
/** Bytes of mails that are read at once, a single mail excepted: opening takes four times as much memory. */
export const largestReadBytes = 8 * mib;
/** Mails that are read at once; between two such batches new mail is looked at. */
export const mostRead = 64;

// ---- what is read of whom in mails of the directory; all in packets, in the time of `directoryShareMs` ----

/** As long as a mix interval usually is: those who read documents need not know one. */
export const directoryShareMs = 12 * minuteMs;
/** What a document costs its sender in packets: the check of a signature, 1.5 ms, takes what reading 45 kB of text does. */
export const costOfDocument = 1;
/**
 * What the mails of an address may bring that is nobody's of the list: 64 MiB of text, or 1,500 documents. That is up to 3 s of
 * the processor, and ten such senders, as many as have a share at once, get 5 % of it. A node that joins brings six.
 */
export const directoryPerSender = 1500;
/** The same for an authority, a node of the list, and who was asked for one: ten whole lists at their bound. */
export const directoryPerKnown = 30_000;
/** Mails with documents that are read at once; then it is the turn of those with packets. */
export const mostDirectoryRead = 16;
/** The text in them, a single mail excepted: 1.5 s of the processor at the worst. */
export const mostTextRead = 32 * mib;

// ---- what waits in a mailbox that programs read ----

/** Mails with packets of one address that wait their turn: a client that mails every 20 minutes for two weeks. */
export const mostWaitingMails = 1000;
/** And their bytes: full bundles of a day of the account reckoned with above. */
export const mostWaitingBytes = 256 * mib;
/** How many times as much a node of the list may have waiting, whose mails come at each flush while this one is away. */
export const nodesWaitingFactor = 10;
/** Of the mailbox's quota: above this the provider may soon refuse mail, everybody's. */
export const quotaWatermark = 0.8;
/** Of the quota: what mails with packets may take however full others have made it, or who fills it with letters has them all removed. */
export const packetsQuotaShare = 0.1;
/** Where the server tells no quota: what mailboxes for money have at least. */
export const mostMailboxBytes = 2 * 1024 * mib;
/** Mails that are kept in mind to be read, a few hundred bytes each: those for which there is no room are looked at again later. */
export const mostKeptInMind = 100_000;
/** Of these, for nodes of the list alone: whoever writes from 100,000 addresses keeps none of theirs from being seen. */
export const nodesKeptInMind = 25_000;
/** Of one sender, of a node ten times as many: what one may have waiting, and as many more, which are seen to be over it. */
export const mostKeptOfOne = 2 * mostWaitingMails;

// ---- what waits in a node ----

/** Entries of the pool, 33 kB of disk each: more than a node on the largest account sends in two days. Then no mail is read. */
export const mostInPool = 60_000;
/**
 * From here on packets that are to wait longer than `longestWhenCrowdedMs` are dropped: they would keep out all others. All
 * who are no nodes bring 28,800 in that time (`sendersAtOnce`), so shorter ones always have room.
 */
export const crowdedPool = 30_000;
export const longestWhenCrowdedMs = dayMs / 2;
/** Packets for nodes that are not in the list may wait for the next one, but no more than these: 64 MB. */
export const mostStrangers = 2000;
/** Ends of replies may wait for their mailboxes, but no more than these: 64 MB. */
export const mostForMailboxes = 2000;
/**
 * Addresses of mailboxes that get a mail at a flush: 150 an hour. Anybody can make a reply block that ends anywhere; 32
 * mails that come in would else make 2,000 that go out, to strangers, and providers close accounts that do so.
 */
export const mostAddresses = 30;
/**
 * Of the mails that the account has left at a flush, so many at most go to mailboxes and to nodes that are no successors. Each
 * of them takes a packet or two, and anybody can make as many as he likes, where a mail to a successor takes 64. The account saves
 * up 15 flushes' worth, so where no one else needs the rest nothing is lost: five flushes' worth can go at each.
 */
export const ownMailShare = 1 / 3;
/** Packets for one mailbox that leave at a flush: one mail. More wait, so that nobody has a mailbox flooded. */
export const mostPerMailbox = 64;

// Replay tags have no bound of their own: one that is thrown away lets its packet be replayed, and a node that stopped
// at so many would be stopped by a flood. What is read bounds them, 60 to 90 bytes each: of strangers 57,600 a day
// (`sendersAtOnce`), 70 MB in the two weeks of a key; of nodes, on the largest accounts, twice that. On a full disk nothing is read.

// ---- what an exit keeps ----

/**
 * Bytes of a message that an exit takes (`node.limits.maxMessageBytes`), and of a mail that a client takes
 * (`client.maxMailBytes`): 235 fragments. So much ciphertext has 8 MB as base64, and few providers take more than 10 or 20.
 */
export const largestMessageBytes = 6_000_000;
/** Messages begun and not complete (`node.limits.maxOpenMessages`): a row each, and the fragments below. */
export const mostOpenMessages = 1000;
/** How long a message may stay so (`node.limits.expiryHours`): its sender tries for 120 hours, and needs far less where all goes well. */
export const openMessageHours = 48;
/**
 * Fragments of them all: 29 kB of disk each, 1.2 GB, and 157 of the largest messages at once. Without it they were 6.5 GB, more than a cheap
 * machine has. Over it only what makes a message whole is taken.
 */
export const mostFragments = 40_000;
/** A return address is good for no longer than this, whatever its sender says; reply blocks live for two weeks. */
export const longestReturnMs = 30 * dayMs;
/**
 * Deliveries that wait for their first attempt, in days of what the account sends to people: over it a message goes to another
 * exit, where it leaves sooner. Half a day evens out that everybody writes in the evening, and of as many that wait, drawn at
 * random, 98 of 100 leave in `longestDeliveryMs`.
 */
export const deliveryBacklogDays = 0.5;
/** But at least so many, however few mails the account may send: several become whole at one flush. */
export const leastDeliveryBacklog = 16;
/**
 * How long a mail to people may wait and be tried. Servers may say no for two days, and the last attempt comes up to six hours
 * later (post/retry). Senders turn to another exit then; what would leave later comes after they have been told that it failed.
 */
export const longestDeliveryMs = 54 * hourMs;
/** Reply blocks of all return addresses: 72 MB. */
export const mostReplyBlocks = 10_000;
/** Status fields that are read of a notice that a mail came back: one about one mail has a few hundred bytes. */
export const largestStatusBytes = 64 * kib;

// ---- what waits in a client ----

/**
 * Mails that its server has not taken, tried ones too; then slots pass. One that is refused is tried for two days (post/retry),
 * four times a day, which the account's budget counts: in two days of the usual pace one of four first nodes gets 36.
 */
export const mostUnpostedMails = 40;

// ---- documents of the directory ----

/** What may come inflated out of one mail from whom a whole list was asked, */
export const mostListBytes = 128 * mib;
/** and from anybody else: documents about single nodes, and the votes of a small network. */
export const mostUnaskedBytes = 8 * mib;
/** Attached to one mail, deflated; as base64 in lines it is 16.4 MiB, the largest that big providers take. */
export const largestDirectoryBytes = 12 * mib;
/** The mail around that, with the headers that servers add. */
export const largestDirectoryMailBytes = 17 * mib;
/** Documents of one mail. A list with all endorsements of it is far less. */
export const mostDocuments = 200;
/** Challenges of one authority that a node answers in a period: one that was replayed must not empty the account's budget. */
export const mostChallengesAnswered = 4;
/** What comes inflated of another authority in one mail, unasked: a vote for 10,000 nodes, with the descriptors of new ones, */
export const mostCouncilBytes = 32 * mib;
/** and their number. */
export const mostCouncilDocuments = 20_000;
/** Signatures of a list on a web server, in bytes: 64 of them are half of it. */
export const mostEndorsementsBytes = 64 * kib;
/** Lists kept, 64 MiB each at the worst: the newest, and older ones that are still in force or that differences lead on from. */
export const mostConsensuses = 4;
/** Numbers and digests of older ones, a row each, by which a fork is seen. */
export const mostPastConsensuses = 64;
/** Forks kept as proof: one stops the client already. */
export const mostForks = 4;
/** Endorsements kept of one authority for one number: two different ones say enough about it. */
export const mostEndorsements = 2;
/**
 * Answers to requests in a period: to one address, in all, and bytes of what is attached to them. From is easily forged, so this is
 * also what a process can be made to mail to others.
 */
export const mostAnswersPerAddress = 4;
export const mostAnswers = 100;
export const mostAnswerBytes = 256 * mib;
/** Packed answers kept in memory, 12 MiB each at the worst: whole list, nothing new, and a difference for each older list. */
export const mostPackedAnswers = 6;
/** Nodes that an authority looks at before it lists them: 4 MB. Who wants to fill them needs 50 registered domains. */
export const mostCandidates = 1000;
export const mostCandidatesPerSite = 20;
/** Domains whose mail exchangers are asked for in one turn: each question waits for the DNS of whoever chose the name. */
export const lookUpsATurn = 20;
/** Their answers remembered, 200 bytes each; the names of a flood of made-up ones push each other out. */
export const mostOperatorsKept = 10_000;
/** What a domain publishes about its mail servers: a few lines for each; a longer text is something else. */
export const mostPublishedBytes = 65_536;
/** From an address to the one that answers for it. */
export const mostPublishedRedirects = 3;

// ---- who connects to a client's submission server ----

/** Wrong log-ins on one line: a mail program that has the token wrong asks its user after the first. */
export const mostWrongLogins = 3;
/** EHLO, and few others: a mail program logs in before it does anything. Words that are no commands count for themselves. */
export const mostCommandsBeforeLogin = 6;
/** Lines at once: the mail programs of one user have two or three; a mail of each may lie in memory. */
export const mostLines = 20;
/** How long a line may say nothing: RFC 5321 section 4.5.3.2.7 wants five minutes at least. */
export const longestSilentLineMs = 5 * minuteMs;

// ---- who connects to the status page ----

/** Connections at once: a browser has six of a page, and Prometheus one. */
export const mostPageConnections = 32;
/** Of these, open for what changes: each has the page's main part in memory while it is sent. */
export const mostPageStreams = 8;
/** Of one such, what has not been read yet; a browser that reads nothing is hung up on. */
export const mostUnreadBytes = mib;
/** Of a request before its body: browsers send one or two kilobytes. */
export const largestRequestHeadBytes = 8 * kib;
/** Fields of it; browsers send twenty. */
export const mostRequestFields = 60;
/** Of a form: it holds a token. */
export const largestFormBytes = kib;
/** How long a request may be on its way. */
export const longestRequestMs = 10_000;
/** Wrong tokens that are answered late at the same time; others hear at once that there are too many. */
export const mostWrongTokens = 8;
/** Sessions; the oldest ends when there would be more. */
export const mostPageSessions = 16;
/** How long each lasts: a working day. */
export const longestPageSessionMs = 12 * hourMs;
