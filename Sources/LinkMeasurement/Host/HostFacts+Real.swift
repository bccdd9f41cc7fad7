internal import CLinux
internal import Glibc
internal import Operations
internal import SystemErrors

extension HostFacts {
    /// Longest wait for an answer that comes at once or never, in milliseconds.
    private static let closedPortTimeout: Int32 = 500

    /// The machine that this runs on.
    package static let real = HostFacts(
        root: "",
        clock: {
            var state = outpost_clock_state()
            // The structure is filled during the call.
            guard unsafe outpost_clock_state(&state) == 0 else { return nil }
            let isUnsynchronized = state.unsynchronized != 0 || state.state == 5
            return Clock(isUnsynchronized: isUnsynchronized, maximumErrorUS: state.maximum_error_us)
        },
        interface: { address in
            var name = [CChar](repeating: 0, count: 64)
            // At most 16 bytes are written, the last a zero.
            guard unsafe outpost_interface_of_address(address, &name) == 0 else { return nil }
            return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        },
        fileLimit: {
            var soft: UInt64 = 0
            var hard: UInt64 = 0
            // Both are filled during the call.
            return unsafe outpost_file_limit(&soft, &hard) == 0 ? soft : nil
        },
        probeClosedUDP: { answer(outpost_probe_closed_udp(number($0), closedPortTimeout)) },
        probeClosedTCP: { answer(outpost_probe_closed_tcp(number($0), closedPortTimeout)) },
        monotonic: { outpost_monotonic_ns() }
    )

    private static func number(_ family: Family) -> Int32 {
        switch family {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        }
    }

    private static func answer(_ code: Int32) -> ClosedPortAnswer {
        switch code {
        case 0: .refused
        case ETIMEDOUT: .silence
        default: .failed(SystemError(call: "connect", code: code).reason)
        }
    }
}
