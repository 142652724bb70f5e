/** Bytes a user has in the payload of one exit packet: the packet geometry's `userPayloadBytes`. */
export const fragmentPayloadBytes = 25_638;
