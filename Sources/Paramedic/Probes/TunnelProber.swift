internal import LinkMeasurement
internal import NIOCore
internal import PacketIO
internal import Synchronization

/// Sends echo datagrams through a tunnel on an absolute schedule and collects the replies.
final class TunnelProber: LatencyProbe {
    /// The least time to wait for replies after the last probe, and after each reply: a live tunnel loses nothing.
    private static let grace: Int64 = 1_000_000_000
    /// Probes that are overdue by more are skipped, not sent at once: the tunnel took nothing, or the machine was
    /// suspended.
    private static let maximumLag = TimeAmount.milliseconds(250)

    private enum Phase {
        case idle
        case running(any Channel)
        case ended(EchoSamples)
    }

    private struct State {
        var phase = Phase.idle
        var waiter: CheckedContinuation<EchoSamples, Never>?
        var isStopping = false
        var cut: (any Error)?
    }

    private let plan: LatencyPlan
    private let token: AccessToken
    private let askedSec: Int
    private let onProgress: @Sendable (EchoProgress) -> Void
    private let state = Mutex(State())

    /// - Parameter askedSec: a tunnel that the far end closes before that was cut; nil for the time of the plan.
    init(
        plan: LatencyPlan,
        token: AccessToken,
        askedSec: Int? = nil,
        onProgress: @escaping @Sendable (EchoProgress) -> Void
    ) {
        self.plan = plan
        self.token = token
        self.askedSec = askedSec ?? plan.durationSec
        self.onProgress = onProgress
    }

    /// On the channel's event loop; probing starts at once.
    func install(on channel: any Channel) throws {
        state.withLock { $0.phase = .running(channel) }
        try channel.pipeline.syncOperations.addHandler(
            TunnelProbeHandler(
                plan: plan,
                token: token,
                onProgress: onProgress,
                isStopping: { self.state.withLock { $0.isStopping } },
                onEnd: { self.ended($0, after: $1, $2) }
            )
        )
    }

    func samples() async throws -> EchoSamples {
        await withCheckedContinuation { continuation in
            let samples: EchoSamples? = state.withLock { state in
                if case .ended(let samples) = state.phase { return samples }
                state.waiter = continuation
                return nil
            }
            if let samples { continuation.resume(returning: samples) }
        }
    }

    func stop() { state.withLock { $0.isStopping = true } }

    func cancel() {
        let channel: (any Channel)? = state.withLock { state in
            state.isStopping = true
            if case .running(let channel) = state.phase { return channel }
            return nil
        }
        channel?.close(promise: nil)
    }

    private func ended(_ samples: EchoSamples, after seconds: Double, _ end: TunnelEnd) {
        let waiter = state.withLock { state -> CheckedContinuation<EchoSamples, Never>? in
            if case .ended = state.phase { return nil }
            switch end {
            case .done: break
            case .closed:
                guard !state.isStopping, StreamEnd.isEarly(seconds, asked: askedSec) else { break }
                state.cut = CutStream(name: "the tunnel of the probes", afterSec: seconds, askedSec: askedSec)
            case .malformed(let error):
                state.cut = LinkClientError.unexpected("bytes that are no echo of a probe (\(error))")
            }
            state.phase = .ended(samples)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: samples)
    }

    var cut: (any Error)? { state.withLock { $0.cut } }

    private enum TunnelEnd {
        /// By this end.
        case done
        /// By the far end, or the network.
        case closed
        case malformed(EchoLengthRefused)
    }

    private final class TunnelProbeHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let plan: LatencyPlan
        private let token: AccessToken
        private let onProgress: @Sendable (EchoProgress) -> Void
        private let isStopping: () -> Bool
        private let onEnd: (EchoSamples, Double, TunnelEnd) -> Void
        private var recorded: EchoSamples
        private var decoder: EchoFrameDecoder
        private var scratch: [UInt8]
        private var began = NIODeadline.now()
        private var lastProgress = NIODeadline.now()
        private var timer: Scheduled<Void>?
        private var longest: Int64?
        private var awaitsLast = false
        private var sendingEnded = NIODeadline.now()
        private var isDone = false

        init(
            plan: LatencyPlan,
            token: AccessToken,
            onProgress: @escaping @Sendable (EchoProgress) -> Void,
            isStopping: @escaping () -> Bool,
            onEnd: @escaping (EchoSamples, Double, TunnelEnd) -> Void
        ) {
            self.plan = plan
            self.token = token
            self.onProgress = onProgress
            self.isStopping = isStopping
            self.onEnd = onEnd
            self.recorded = EchoSamples(capacity: plan.count)
            // Every reply is as long as its probe.
            self.decoder = EchoFrameDecoder(lengths: plan.datagramBytes...plan.datagramBytes)
            self.scratch = [UInt8](repeating: 0, count: plan.datagramBytes)
        }

        func handlerAdded(context: ChannelHandlerContext) {
            began = context.eventLoop.now
            lastProgress = began
            schedule(context, at: began)
        }

        func channelInactive(context: ChannelHandlerContext) {
            // Probes that were in flight when the tunnel ended are not lost on the link.
            if awaitsLast { recorded.leaveOutTail() }
            finish(context, .closed)
            context.fireChannelInactive()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            decoder.append(unwrapInboundIn(data))
            let now = KernelClock.monotonic
            do {
                while let datagram = try decoder.next() {
                    if let reply = EchoDatagram(Array(datagram.readableBytesView)) {
                        if recorded.recordReply(reply, token: token, receivedAt: now) {
                            longest = max(longest ?? 0, now - reply.clientSend)
                        }
                    } else {
                        recorded.recordStray()
                    }
                }
            } catch { return finish(context, .malformed(error)) }
            guard awaitsLast || isStopping() else { return }
            if recorded.received == recorded.sent { return finish(context) }
            if awaitsLast { setLimit(context) }
        }

        private func schedule(_ context: ChannelHandlerContext, at time: NIODeadline) {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            timer = context.eventLoop.scheduleTask(deadline: time) {
                let (handler, context) = bound.value
                handler.tick(context)
            }
        }

        private func tick(_ context: ChannelHandlerContext) {
            guard !isDone else { return }
            let now = context.eventLoop.now
            guard !isStopping(), hasNext, now <= end + TunnelProber.maximumLag else { return awaitLast(context) }
            guard context.channel.isWritable else {
                // The tunnel takes no more just now: probes that wait in its buffer would measure that buffer.
                schedule(context, at: now + .nanoseconds(max(1_000_000, plan.intervalNanoseconds)))
                return
            }
            let late = now - due
            if late > TunnelProber.maximumLag {
                recorded.recordSkipped(Int(late.nanoseconds / plan.intervalNanoseconds))
                guard hasNext else { return awaitLast(context) }
            }
            send(context)
            progress(now)
            schedule(context, at: due)
        }

        private var hasNext: Bool { recorded.count + recorded.skipped < plan.count }
        /// When the next probe is due.
        private var due: NIODeadline {
            began + .nanoseconds(Int64(recorded.count + recorded.skipped) * plan.intervalNanoseconds)
        }
        private var end: NIODeadline { began + .nanoseconds(Int64(plan.count) * plan.intervalNanoseconds) }

        private func send(_ context: ChannelHandlerContext) {
            let now = KernelClock.monotonic
            guard let sequence = recorded.recordSend(at: now) else { return }
            let datagram = EchoDatagram(token: token, sequence: UInt64(sequence), clientSend: now)
            datagram.write(over: &scratch)
            var frame = context.channel.allocator.buffer(capacity: EchoFrame.headerLength + scratch.count)
            EchoFrame.encode(scratch, into: &frame)
            context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        }

        private func progress(_ now: NIODeadline) {
            guard now - lastProgress >= .milliseconds(200) else { return }
            lastProgress = now
            onProgress(
                EchoProgress(
                    sent: recorded.sent,
                    received: recorded.received,
                    lastRoundTrip: (0..<recorded.count).reversed().lazy.compactMap { self.recorded.roundTrip($0) }
                        .first,
                    elapsed: (now - began).nanoseconds
                )
            )
        }

        private func awaitLast(_ context: ChannelHandlerContext) {
            guard recorded.received < recorded.sent else { return finish(context) }
            awaitsLast = true
            sendingEnded = context.eventLoop.now
            setLimit(context)
        }

        /// Waits from now on as long as replies take; the last probes may wait behind seconds of a queue.
        private func setLimit(_ context: ChannelHandlerContext) {
            timer?.cancel()
            let now = context.eventLoop.now
            let last = sendingEnded + .nanoseconds(EchoProbePlan.maximumGrace)
            let end = min(last, now + .nanoseconds(EchoProbePlan.grace(TunnelProber.grace, longest: longest)))
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            timer = context.eventLoop.scheduleTask(deadline: end) {
                let (handler, context) = bound.value
                // The tunnel is alive: what it still carries is not lost.
                handler.recorded.leaveOutTail()
                handler.finish(context)
            }
        }

        private func finish(_ context: ChannelHandlerContext, _ end: TunnelEnd = .done) {
            guard !isDone else { return }
            isDone = true
            timer?.cancel()
            onEnd(recorded, Double((context.eventLoop.now - began).nanoseconds) / 1e9, end)
            context.close(promise: nil)
        }
    }
}
