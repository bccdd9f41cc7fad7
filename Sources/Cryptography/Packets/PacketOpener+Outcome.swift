extension PacketOpener {
    /// What became of a packet.
    package enum Outcome: Equatable, Sendable {
        /// It is authentic and was not opened before. Its header fields, payload and padding are in their places.
        case opened(Opened)
        /// It is to be dropped, without an answer.
        case refused(Refusal)
    }

    package struct Opened: Equatable, Sendable {
        package let number: UInt64
        package let epoch: UInt32
        /// The index of its connection ID.
        package let path: UInt8
    }

    package enum Refusal: Equatable, Sendable {
        /// Fewer bytes than a packet has.
        case tooShort
        /// The connection ID is none of this direction. The bytes are as they were.
        case unknownConnection
        /// Its number was opened before. The bytes are as they were.
        case replayed
        /// Its number is below the window. The bytes are as they were.
        case tooOld
        /// There is no key for its number: it is not in the generation of the highest number or one beside it, or it is
        /// before the start of its epoch, or its key was forgotten. The bytes are as they were.
        case noKey
        /// Its tag is wrong. The bytes are undefined.
        case notAuthentic
        /// So many packets have failed to open that no more may be tried: the session must end. The bytes are as they
        /// were.
        case failedTooOften
    }

    /// Why the peer's next epoch cannot begin: the peer broke the protocol. Nothing was changed.
    package enum EpochFailure: Error, Equatable, Sendable {
        /// It does not come after an epoch of which there was an authentic packet.
        case outOfOrder
        /// Its base is above the generation of the highest authentic number, or below the base of the epoch before.
        case baseOutOfRange
    }
}

extension PacketOpener.EpochFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .outOfOrder: "epoch out of order: the peer must send in an epoch before it names the next one"
        case .baseOutOfRange: "base out of range: must be the generation of a packet in the epoch before"
        }
    }
}
