internal import Glibc
internal import LinkMeasurement
internal import PacketIO
internal import SystemErrors

extension EchoProber {
    /// Replies in one system call.
    private static let batchSize = 64
    /// Probes sent in a row when late, before checking for replies again.
    private static let burst = 16
    /// A delay above this is a suspended machine, not jitter: the missed probes are skipped, not sent at once.
    private static let maximumLag: Int64 = 250_000_000
    /// Five live lines a second.
    private static let progressInterval: Int64 = 200_000_000

    /// One run's state, on its thread.
    fileprivate struct Run: ~Copyable {
        var samples: EchoSamples
        var batch: DatagramBatch
        var bytes: [UInt8]
        var due: Int64 = 0
        var lastRoundTrip: Int64?
        var longestRoundTrip: Int64?
        /// Nothing received from now on arrived before this, on the monotonic clock.
        var drained: Int64 = 0
    }

    func run() -> Result<EchoSamples, EchoProbeError> {
        do throws(SystemError) {
            // Everything that needs memory allocates it here, before the first probe.
            var generator = SystemRandomNumberGenerator()
            var run = Run(
                samples: EchoSamples(capacity: plan.count),
                batch: try DatagramBatch(capacity: Self.batchSize, datagramBytes: EchoDatagram.maximumLength + 1),
                // Payload that no link compresses.
                bytes: (0..<plan.datagramLength).map { _ in generator.next() }
            )
            try drive(&run)
            run.samples.kernelDrops = Int(socket.kernelDrops)
            return .success(run.samples)
        } catch {
            return .failure(.system(error))
        }
    }

    private func drive(_ run: inout Run) throws(SystemError) {
        let start = KernelClock.monotonic
        run.due = start
        run.drained = start
        var progressDue = start + Self.progressInterval
        var ended: Int64?
        var isReadable = false
        while ordered != .cancel {
            var now = KernelClock.monotonic
            if ended == nil {
                now = try sendDue(&run, now)
                if run.samples.count == plan.count || ordered == .stop {
                    ended = now
                    // The signal of a stop would end every wait of the grace. Orders are stored before they signal, so
                    // the check that follows sees a cancel whose signal this consumed.
                    wakeUp.clear()
                    continue
                }
            }
            if isReadable || run.due <= now { try receive(&run) }
            // The replies that are still awaited may raise the longest round trip.
            let deadline = ended.map { $0 + grace(run) }
            if let deadline, now >= deadline || run.samples.received == run.samples.sent { break }
            if let onProgress, now >= progressDue {
                onProgress(run.progress(elapsed: now - start))
                progressDue = now + Self.progressInterval
                now = KernelClock.monotonic
            }
            isReadable = try self.sleep(until: deadline ?? run.due, now)
        }
        run.samples.elapsed = KernelClock.monotonic - start
    }

    private func grace(_ run: borrowing Run) -> Int64 {
        // A closed port will not answer later either.
        if run.longestRoundTrip == nil, run.samples.refusals > 0 { return plan.grace }
        return EchoProbePlan.grace(plan.grace, longest: run.longestRoundTrip)
    }

    /// Sends what is due; returns when the next probe is.
    private func sendDue(_ run: inout Run, _ time: Int64) throws(SystemError) -> Int64 {
        var now = time
        if now - run.due > Self.maximumLag {
            let missed = (now - run.due) / plan.interval
            run.samples.recordSkipped(Int(missed))
            run.due += missed * plan.interval
        }
        var left = Self.burst
        while now >= run.due, left > 0, run.samples.count < plan.count {
            try sendOne(&run)
            run.due += plan.interval
            left -= 1
            now = KernelClock.monotonic
        }
        return now
    }

    private func sendOne(_ run: inout Run) throws(SystemError) {
        let time = KernelClock.monotonic
        guard let sequence = run.samples.recordSend(at: time) else { return }
        let datagram = EchoDatagram(token: plan.token, sequence: UInt64(sequence), clientSend: time)
        run.write(datagram)
        var tries = 2
        var failure: Int32 = 0
        while tries > 0 {
            let code = socket.send(run.bytes, waits: false)
            if code >= 0 { return }
            failure = Int32(-code)
            // The answer to an earlier probe; this one has not been sent yet.
            guard concernsEarlierProbe(failure, &run) else { break }
            tries -= 1
        }
        run.samples.takeBackSend(error: failure)
    }

    /// Whether an error is the network's answer to an earlier probe. From here on the kernel fragments larger
    /// datagrams.
    private func concernsEarlierProbe(_ code: Int32, _ run: inout Run) -> Bool {
        switch code {
        case ECONNREFUSED: run.samples.refusals += 1
        case EMSGSIZE:
            run.samples.tooLargeBefore = run.samples.count
            run.samples.pathMTU = socket.pathMTU
        default: return false
        }
        return true
    }

    /// Receives the available replies.
    private func receive(_ run: inout Run) throws(SystemError) {
        let before = run.drained
        let looked = KernelClock.monotonic
        let got = run.batch.receive(socket.raw, blocking: false)
        guard got >= 0 else {
            switch Int32(-got) {
            case EAGAIN: return run.drained = looked
            // The network's error for one probe; the next one is sent all the same.
            case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EPROTO, EACCES: return
            case let code where self.concernsEarlierProbe(code, &run): return
            case let code: throw SystemError(call: "recvmmsg", subject: self.plan.target.description, code: code)
            }
        }
        if got < Self.batchSize { run.drained = looked }
        // The kernel's timestamps use the wall clock, which may have been set since.
        let now = KernelClock.monotonic
        let offset = KernelClock.realtime - now
        for index in 0..<got {
            guard run.batch.length(index) == self.plan.datagramLength, let reply = EchoDatagram(run.batch.bytes(index))
            else {
                run.samples.recordStray()
                continue
            }
            let stamp = run.batch.receivedAt(index)
            let time = ReceiptTime.steady(stamp: stamp, offset: offset, between: before, and: now)
            let isFirst = run.samples.recordReply(reply, token: self.plan.token, receivedAt: time)
            guard isFirst else { continue }
            let roundTrip = time - reply.clientSend
            run.lastRoundTrip = roundTrip
            run.longestRoundTrip = max(run.longestRoundTrip ?? 0, roundTrip)
        }
    }

    /// Whether there is something to receive.
    private func sleep(until time: Int64, _ now: Int64) throws(SystemError) -> Bool {
        guard time > now else { return true }
        let ready = SystemCall.wait(socket.raw, writable: false, wake: wakeUp.raw, timeout: time - now)
        if ready == -EINTR { return false }
        guard ready >= 0 else {
            throw SystemError(call: "ppoll", subject: plan.target.description, code: -ready)
        }
        return ready & 1 != 0
    }
}

extension EchoProber.Run {
    fileprivate mutating func write(_ datagram: EchoDatagram) {
        datagram.write(over: &bytes)
    }

    fileprivate func progress(elapsed: Int64) -> EchoProgress {
        EchoProgress(
            sent: samples.sent,
            received: samples.received,
            lastRoundTrip: self.lastRoundTrip,
            elapsed: elapsed
        )
    }
}
