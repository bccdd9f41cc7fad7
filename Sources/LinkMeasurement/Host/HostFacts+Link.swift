extension HostFacts {
    /// Load of the last minute divided by the number of processors; 0 if it cannot be read.
    package var load: Double {
        guard let averages = try? loadAverages(), let first = averages.first else { return 0 }
        return first / Double(max(1, (try? processorCount()) ?? 1))
    }

    /// Speed in bits a second of the card with this address; nil if it reports none, like virtual cards and loopback.
    package func linkSpeed(localAddress: String) -> Double? {
        guard let name = interface(localAddress), let megabits = number("/sys/class/net/\(name)/speed"), megabits > 0
        else {
            return nil
        }
        return Double(megabits) * 1e6
    }
}
