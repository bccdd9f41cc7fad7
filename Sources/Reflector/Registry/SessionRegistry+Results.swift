internal import Identity
internal import LinkMeasurement
internal import Operations

/// The results of tests.
extension SessionRegistry {
    /// The result of a test. Waits ``drainPatience`` for its last bytes.
    func result(of testID: String, for peer: EndpointID) async -> LinkMessage {
        if let entry = running[testID], entry.session.peer == peer {
            if case .iperf = entry.engine {
                await waitForEnd(of: testID)
            } else if case .direct(let server) = entry.engine {
                await server.finish(within: Self.drainPatience)
            } else {
                await entry.session.measured(within: Self.drainPatience)
            }
        }
        // The streams may be gone before the end that their last byte requested.
        if let entry = running[testID], entry.session.peer == peer, entry.session.isSpent {
            await end(testID, .budgetSpent)
        }
        if let known = finished[testID], known.peer == peer { return .result(known.result) }
        guard let entry = running[testID], entry.session.peer == peer else {
            return .error(
                .notFound(
                    "you have no test \(testID.printable(limit: RefusedName.quoted)); results are kept for the last "
                        + "\(Self.keptResults) tests"
                )
            )
        }
        var retransmits: [StreamDirection: Int] = [:]
        var busiestThread: Double?
        if case .direct(let server) = entry.engine {
            (retransmits, busiestThread) = (server.retransmits, server.busiestThread)
        }
        return .result(
            SessionReport.make(
                entry.session,
                state: .running,
                reason: nil,
                throughput: nil,
                retransmits: retransmits,
                busiestThread: busiestThread
            )
        )
    }

    /// Waits until iperf3 has ended and its test with it, or for a while.
    func waitForEnd(of testID: String) async {
        var place: UInt64?
        await Waiters.wait(atMost: Self.drainPatience) { place = patient[testID, default: Waiters()].add($0) }
        patient[testID]?.remove(place)
    }

    /// The test has ended, or is about to.
    func releasePatient(of testID: String) {
        patient[testID]?.release()
        patient[testID] = nil
    }

    func remember(_ result: SessionResult, of peer: EndpointID) {
        finished[result.testID] = Finished(peer: peer, result: result)
        finishedOrder.append(result.testID)
        if finishedOrder.count > Self.keptResults { finished[finishedOrder.removeFirst()] = nil }
    }
}
