/// Steele, Lea, Flood 2014: fast, and the same numbers for the same seed, so that a run can be repeated.
///
/// The safety of SWIM does not depend on it: anyone who could exploit its numbers has the cluster's key.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    /// A seed that continues from here.
    package private(set) var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mixed(state)
    }

    /// The generator's finalizer: every bit of the argument changes half of the bits of the result.
    static func mixed(_ number: UInt64) -> UInt64 {
        var z = number
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
