package import LinkMeasurement

/// The samples of one run of probes, a row for each sequence from 0. Times are nanoseconds: the client's on its
/// monotonic clock, which no step of the wall clock affects, the server's on a clock of its own; 0 means "did not
/// happen".
package struct EchoSamples: Sendable {
    /// When the client sent it; 0 if its kernel refused to.
    package private(set) var sendTimes: [Int64]
    /// When the first reply reached the client's kernel.
    package private(set) var receiveTimes: [Int64]
    package private(set) var serverReceiveTimes: [Int64]
    package private(set) var serverSendTimes: [Int64]
    /// Replies after the first, at most 255.
    package private(set) var duplicates: [UInt8]
    /// 1 for the reply that arrived first, 2 for the second, …
    package private(set) var arrivalOrder: [UInt32]

    /// Rows in use.
    package private(set) var count = 0
    /// Probes that left this machine, and sequences that were answered.
    package private(set) var sent = 0
    package private(set) var received = 0
    /// Replies after the first for their sequence.
    package private(set) var duplicateReplies = 0
    /// First replies after a higher sequence (RFC 4737).
    package private(set) var reordered = 0
    /// Datagrams that are no reply to anything sent.
    package private(set) var strays = 0
    /// Probes that this machine's kernel refused to send, and how often the other side's port was closed.
    package internal(set) var sendFailures = 0
    /// The error of the last of them.
    package internal(set) var sendError: Int32 = 0
    /// The path's MTU, once a probe was larger; of the unanswered probes, ``tooLargeBefore`` were too large.
    package internal(set) var pathMTU: Int?
    package internal(set) var tooLargeBefore = 0
    /// Probes that were in flight in a live tunnel, which loses nothing, when the run ended; they are not in `sent`.
    package private(set) var inFlight = 0
    package internal(set) var refusals = 0
    /// Probes skipped because this machine did not run the prober, or its tunnel took nothing, for more than a quarter
    /// second.
    package private(set) var skipped = 0
    /// From the first send to the end of the run, nanoseconds.
    package internal(set) var elapsed: Int64 = 0
    /// Replies that the kernel dropped because the prober was too slow; not loss on the link.
    package internal(set) var kernelDrops = 0
    private var nextExpected = 0

    /// Allocates memory for `capacity` probes, 38 bytes each.
    package init(capacity: Int) {
        sendTimes = Array(repeating: 0, count: capacity)
        receiveTimes = Array(repeating: 0, count: capacity)
        serverReceiveTimes = Array(repeating: 0, count: capacity)
        serverSendTimes = Array(repeating: 0, count: capacity)
        duplicates = Array(repeating: 0, count: capacity)
        arrivalOrder = Array(repeating: 0, count: capacity)
    }

    package var capacity: Int { sendTimes.count }

    /// From send to receive, in nanoseconds on the client's clock; nil if there was no reply.
    package func roundTrip(_ sequence: Int) -> Int64? {
        guard sequence >= 0, sequence < count, receiveTimes[sequence] != 0 else { return nil }
        return receiveTimes[sequence] &- sendTimes[sequence]
    }

    /// How long the server took, in nanoseconds on the server's clock; nil if there was no reply.
    package func serverTime(_ sequence: Int) -> Int64? {
        guard sequence >= 0, sequence < count, receiveTimes[sequence] != 0 else { return nil }
        return serverSendTimes[sequence] &- serverReceiveTimes[sequence]
    }
}

extension EchoSamples {
    /// The next sequence leaves at `time`; nil if the memory is full.
    @inline(__always)
    package mutating func recordSend(at time: Int64) -> Int? {
        guard count < capacity else { return nil }
        sendTimes[count] = time
        count += 1
        sent += 1
        return count - 1
    }

    /// Skips the probes that were due.
    package mutating func recordSkipped(_ count: Int) { skipped += count }

    /// The last recorded send did not happen.
    package mutating func takeBackSend(error: Int32 = 0) {
        guard count > 0 else { return }
        sendTimes[count - 1] = 0
        sent -= 1
        sendFailures += 1
        sendError = error
    }

    /// Leaves out the probes after the last answered one: they are still in flight.
    package mutating func leaveOutTail() {
        guard received > 0 else { return }
        var index = count
        while index > 0, arrivalOrder[index - 1] == 0 {
            index -= 1
            guard sendTimes[index] != 0 else { continue }
            sendTimes[index] = 0
            sent -= 1
            inFlight += 1
        }
    }

    /// Records a reply. Only one that repeats a sequence and its send time counts; others are strays.
    /// - Returns: whether it was the first for its sequence.
    @inline(__always)
    @discardableResult
    package mutating func recordReply(_ datagram: EchoDatagram, token: AccessToken, receivedAt: Int64) -> Bool {
        guard datagram.token == token, datagram.sequence < UInt64(count) else {
            strays += 1
            return false
        }
        let sequence = Int(datagram.sequence)
        guard sendTimes[sequence] == datagram.clientSend, datagram.clientSend != 0 else {
            strays += 1
            return false
        }
        guard arrivalOrder[sequence] == 0 else {
            duplicateReplies += 1
            if duplicates[sequence] < .max { duplicates[sequence] += 1 }
            return false
        }
        received += 1
        arrivalOrder[sequence] = UInt32(truncatingIfNeeded: received)
        receiveTimes[sequence] = receivedAt
        serverReceiveTimes[sequence] = datagram.serverReceive
        serverSendTimes[sequence] = datagram.serverSend
        if sequence < nextExpected {
            reordered += 1
        } else {
            nextExpected = sequence + 1
        }
        return true
    }

    package mutating func recordStray() {
        strays += 1
    }
}
