extension HostFacts {
    /// Load of the last minute divided by the number of processors; 0 when it cannot be read.
    package var load: Double {
        guard let averages = try? loadAverages(), let first = averages.first else { return 0 }
        return first / Double(max(1, (try? processorCount()) ?? 1))
    }

    /// Speed in bits a second that the card of the interface with this address reports; nil where it reports none, as
    /// virtual cards and loopback do.
    package func linkSpeed(localAddress: String) -> Double? {
        guard let name = interface(localAddress), let megabits = number("/sys/class/net/\(name)/speed"), megabits > 0
        else {
            return nil
        }
        return Double(megabits) * 1e6
    }
}
