internal import LinkMeasurement

extension SessionGrant {
    /// The grant, unless it contains what no reflector of ours grants: it came from a peer.
    func checked() throws(LinkClientError) -> SessionGrant {
        guard streams.map((1...Self.maximumStreams).contains) ?? true else {
            throw .unexpected("a grant of \(streams ?? 0) streams")
        }
        guard (0...65_535).contains(port), (0...65_535).contains(echo?.port ?? 0) else {
            throw .unexpected("a grant of port \(port)")
        }
        guard testID.utf8.count <= LinkEnvelope.maximumRequestIDLength else {
            throw .unexpected("a test ID of invalid length")
        }
        return self
    }
}
