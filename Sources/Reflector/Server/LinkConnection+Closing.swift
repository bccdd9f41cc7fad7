internal import Identity
internal import LinkMeasurement
internal import Logging
internal import NIOCore
internal import Operations

/// Replies, refusals, deadlines and back-pressure.
extension LinkConnection {
    func reply(_ requestID: String, _ message: LinkMessage) {
        send(LinkEnvelope(requestID: requestID, payload: message))
    }

    func send(_ envelope: LinkEnvelope) {
        guard let context else { return }
        do {
            context.writeAndFlush(wrapOutboundOut(try envelope.replyFrame()), promise: nil)
        } catch {
            core.logger.error("reply could not be encoded", metadata: ["error": "\(error)"])
            close()
        }
    }

    func fail(_ requestID: String, _ error: LinkError) {
        guard phase != .closing else { return }
        send(LinkEnvelope(requestID: requestID, payload: .error(error)))
        close()
    }

    func refuse(_ peer: EndpointID?, reason: String) {
        auditRefusal(of: peer, reason: reason)
        close()
    }

    func close() {
        if case .authorized = phase { Task { [core, id] in await core.sessions.disconnected(id) } }
        phase = .closing
        socket.closes()
        resumeReads()
        context?.close(promise: nil)
    }

    /// One line per stranger, whatever it does.
    func auditRefusal(of peer: EndpointID?, reason: String) {
        guard !refusalAudited else { return }
        refusalAudited = true
        Task { [core, remote] in await core.refused(peer, from: remote, reason: reason) }
    }

    func arm(seconds: Int) {
        deadline?.cancel()
        guard let eventLoop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        deadline = eventLoop.scheduleTask(in: .seconds(Int64(seconds))) { bound.value.deadlinePassed() }
    }

    func armIdle() { arm(seconds: core.limits.idleTimeoutSec) }

    func deadlinePassed() {
        switch phase {
        case .authorized(let peer) where framesSeen > 0:
            // Only the last of many frames counts, so the timer is not moved for each.
            let idle = NIODeadline.now() - lastFrame
            guard idle >= .seconds(Int64(core.limits.idleTimeoutSec)) else {
                let left = core.limits.idleTimeoutSec - Int(idle.nanoseconds / 1_000_000_000)
                return arm(seconds: max(1, left))
            }
            run { [core] in
                await core.governor.activeTest(of: peer) != nil
            } then: { connection, isBusy in
                if isBusy { connection.armIdle() } else { connection.close() }
            }
        case .stranger(let peer):
            refuse(peer, reason: "no pairing within \(core.limits.firstFrameTimeoutSec) s")
        case .handshaking, .identifying, .authorized, .opening:
            close()
        case .closing: break
        }
    }

    /// Requests that may wait for their replies. A stranger's frames are answered one after the other: its hello must
    /// not be decided after the token behind it has closed the window.
    var mostOutstanding: Int {
        if case .stranger = phase { 1 } else { core.limits.maxOutstandingRequests }
    }

    /// Whether the peer has spent its budget of control bytes; then reading resumes when there is some again.
    func mustWait() -> Bool {
        guard !isHeldBack, case .authorized(let peer) = phase, let eventLoop = context?.eventLoop else {
            return isHeldBack
        }
        let wait = core.budgets.wait(of: peer)
        guard wait > .zero else { return false }
        isHeldBack = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: max(wait, Self.shortestWait)) {
            bound.value.isHeldBack = false
            bound.value.process()
        }
        return true
    }

    /// Connections of one peer that wait for its budget do not wake for every byte of it.
    private static let shortestWait = TimeAmount.milliseconds(50)

    /// Stops reading while requests wait for their replies, the peer does not take them, a large frame is being
    /// decoded, or the peer has spent its budget.
    func regulateReads() {
        guard let channel = context?.channel else { return }
        let isReady: Bool
        switch phase {
        case .identifying, .opening: isReady = false
        case .stranger, .authorized:
            isReady = outstanding < mostOutstanding && channel.isWritable && !isDecoding && !isHeldBack
        case .handshaking, .closing: isReady = true
        }
        guard isReady == readsPaused else { return }
        readsPaused = !isReady
        try? channel.syncOptions?.setOption(.autoRead, value: isReady)
    }

    func resumeReads() {
        guard readsPaused, let channel = context?.channel else { return }
        readsPaused = false
        try? channel.syncOptions?.setOption(.autoRead, value: true)
    }

    /// Does `work` off the event loop and returns to it with the result, unless the connection is gone by then.
    func run<Result: Sendable>(
        _ work: @escaping @Sendable () async -> Result,
        then: @escaping @Sendable (LinkConnection, Result) -> Void
    ) {
        guard let eventLoop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        Task {
            let result = await work()
            eventLoop.execute {
                then(bound.value, result)
            }
        }
    }
}
