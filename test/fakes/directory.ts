import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { parseMail } from '../../src/adapters/mime.js';
import { namedOperators } from '../../src/adapters/mx-operator.js';
import { sqliteAuthorityStore } from '../../src/adapters/sqlite-authority.js';
import { Bug, PacketError } from '../../src/base/errors.js';
import { nodeIdOf, type NodeId } from '../../src/base/ids.js';
import { fromHex } from '../../src/base/bytes.js';
import { type Rng, seededRng, uniformInt, unitInterval } from '../../src/base/random.js';
import { dayMs } from '../../src/base/units.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { composeDirectoryMail, sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { documentsIn } from '../../src/council/documents.js';
import { readChallenge, signAnswer, signLeave } from '../../src/council/membership.js';
import { type AuthorityDeps, authorityTurn } from '../../src/directory/authority.js';
import type { Operators } from '../../src/ports/operators.js';
import type { OutgoingMail } from '../../src/ports/mail.js';
import type { AuthorityStore } from '../../src/ports/authority.js';
import { type DescriptorDraft, signDescriptor } from '../../src/route/descriptor.js';
import { publicKeyOf, type PublicKeyHex } from '../../src/route/document.js';
import { hopOf } from '../../src/route/hop.js';
import {
  type AuthorityAddress,
  defaultNetworkParameters,
  inspectNetwork,
  type Network,
  type NetworkParameters,
} from '../../src/route/network.js';
import { expandKey, type ExpandedKey } from '../../src/sphinx/kem.js';
import { createMailboxPacket } from '../../src/sphinx/mailbox.js';
import { unwrapPacket } from '../../src/sphinx/packet.js';
import { fakeMailWorld, type FakeAccount, type FakeMailWorld } from './mail-world.js';
import type { Wrap } from './network.js';
