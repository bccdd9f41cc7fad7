extension SessionParameters {
    /// One stream's share of `bitrateBps`, which all streams of a direction share, in bits a second; nil for no limit.
    package func bitsPerSecond(ofEachOf streams: Int) -> Int? {
        bitrateBps.map { max(1, $0 / max(1, streams)) }
    }

    /// The same in bytes a second.
    package func bytesPerSecond(ofEachOf streams: Int) -> Int? {
        bitrateBps.map { max(1, $0 / 8 / max(1, streams)) }
    }
}
