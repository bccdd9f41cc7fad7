import CLinux
import Glibc
import SystemErrors

extension EchoProber {
    /// Replies taken in one system call.
    private static let batchSize = 64
    /// Probes sent in a row when late, before looking for replies again.
    private static let burst = 16
    /// Being later than this is a machine that slept, not jitter: the missed probes are left out, not sent in a heap.
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
    }

    func run() -> Result<EchoSamples, EchoProbeError> {
        do throws(SystemError) {
            // Everything that needs memory takes it here, before the first probe.
            var generator = SystemRandomNumberGenerator()
            var run = Run(
                samples: EchoSamples(capacity: self.plan.count),
                batch: try DatagramBatch(capacity: Self.batchSize, datagramBytes: EchoDatagram.maximumLength + 1),
                // Payload that no link compresses.
                bytes: (0..<self.plan.datagramLength).map { _ in generator.next() }
            )
            try self.drive(&run)
            run.samples.kernelDrops = Int(outpost_socket_drops(self.socket.raw))
            return .success(run.samples)
        } catch {
            return .failure(.system(error))
        }
    }

    private func drive(_ run: inout Run) throws(SystemError) {
        let start = KernelClock.monotonic
        let clockOffset = KernelClock.realtime - start
        run.due = start
        var progressDue = start + Self.progressInterval
        var deadline: Int64?
        var isReadable = false
        while self.ordered != .cancel {
            var now = KernelClock.monotonic
            if deadline == nil {
                now = try self.sendDue(&run, now)
                if run.samples.count == self.plan.count || self.ordered == .stop {
                    deadline = now + self.plan.grace
                    // The signal of a stop would end every wait of the grace. Orders are stored before they signal, so the
                    // look at them that follows sees a cancel whose signal this took.
                    self.wakeUp.clear()
                    continue
                }
            }
            if isReadable || run.due <= now { try self.receive(&run) }
            if let deadline, now >= deadline || run.samples.received == run.samples.sent { break }
            if let onProgress, now >= progressDue {
                onProgress(run.progress(elapsed: now - start))
                progressDue = now + Self.progressInterval
                now = KernelClock.monotonic
            }
            isReadable = try self.sleep(until: deadline ?? run.due, now)
        }
        run.samples.elapsed = KernelClock.monotonic - start
        run.samples.clockShift = KernelClock.realtime - KernelClock.monotonic - clockOffset
    }

    /// Sends what is due; the time after it.
    private func sendDue(_ run: inout Run, _ time: Int64) throws(SystemError) -> Int64 {
        var now = time
        if now - run.due > Self.maximumLag {
            let missed = (now - run.due) / self.plan.interval
            run.samples.recordSkipped(Int(missed))
            run.due += missed * self.plan.interval
        }
        var left = Self.burst
        while now >= run.due, left > 0, run.samples.count < self.plan.count {
            try self.sendOne(&run)
            run.due += self.plan.interval
            left -= 1
            now = KernelClock.monotonic
        }
        return now
    }

    private func sendOne(_ run: inout Run) throws(SystemError) {
        let time = KernelClock.realtime
        guard let sequence = run.samples.recordSend(at: time) else { return }
        let datagram = EchoDatagram(token: self.plan.token, sequence: UInt64(sequence), clientSend: time)
        run.write(datagram)
        var tries = 2
        while tries > 0 {
            // The bytes are only read, and only during the call.
            let code = unsafe run.bytes.withUnsafeBytes {
                unsafe SystemCall.send(self.socket.raw, $0, flags: Int32(MSG_DONTWAIT))
            }
            if code >= 0 { return }
            switch Int32(-code) {
            case ECONNREFUSED:
                // The answer to an earlier probe; this one has not been sent yet.
                run.samples.refusals += 1
            case EMSGSIZE:
                throw SystemError(call: "send", subject: "\(run.bytes.count) bytes", code: EMSGSIZE)
            default:
                tries = 0
            }
            tries -= 1
        }
        run.samples.takeBackSend()
    }

    /// Takes the replies that are there.
    private func receive(_ run: inout Run) throws(SystemError) {
        let got = run.batch.receive(self.socket.raw, blocking: false)
        guard got >= 0 else {
            switch Int32(-got) {
            case EAGAIN: return
            case ECONNREFUSED: return run.samples.refusals += 1
            default: throw SystemError(call: "recvmmsg", subject: self.plan.target.description, code: Int32(-got))
            }
        }
        for index in 0..<got {
            let place = unsafe run.batch.datagrams + index
            // The kernel wrote `length` bytes there, and nothing else writes while we read.
            let bytes = unsafe RawSpan(_unsafeStart: place.pointee.bytes, byteCount: Int(place.pointee.length))
            guard bytes.byteCount == self.plan.datagramLength, let reply = EchoDatagram(bytes) else {
                run.samples.recordStray()
                continue
            }
            let stamp = unsafe place.pointee.received_ns
            let time = stamp != 0 ? stamp : KernelClock.realtime
            run.samples.recordReply(reply, token: self.plan.token, receivedAt: time)
            run.lastRoundTrip = time - reply.clientSend
        }
    }

    /// Whether there is something to receive.
    private func sleep(until time: Int64, _ now: Int64) throws(SystemError) -> Bool {
        guard time > now else { return true }
        let ready = SystemCall.wait(self.socket.raw, writable: false, wake: self.wakeUp.raw, timeout: time - now)
        if ready == -EINTR { return false }
        return try SystemCall.check(ready, "ppoll", self.plan.target) & 1 != 0
    }
}

extension EchoProber.Run {
    fileprivate mutating func write(_ datagram: EchoDatagram) {
        var span = self.bytes.mutableSpan
        var raw = unsafe span.mutableBytes  // any bytes are bytes
        datagram.write(into: &raw)
    }

    fileprivate func progress(elapsed: Int64) -> EchoProgress {
        EchoProgress(
            sent: self.samples.sent,
            received: self.samples.received,
            lastRoundTrip: self.lastRoundTrip,
            elapsed: elapsed
        )
    }
}
