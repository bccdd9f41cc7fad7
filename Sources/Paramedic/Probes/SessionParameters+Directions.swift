internal import LinkMeasurement

extension SessionParameters {
    /// The directions that a throughput test of these parameters measures.
    var directions: [StreamDirection] {
        if bidirectional == true { return [.up, .down] }
        return [reverse == true ? .down : .up]
    }
}
