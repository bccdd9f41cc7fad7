import CLinux
import Glibc
import Operations
import SystemErrors

extension HostFacts {
    /// Longest wait for an answer that comes at once or never, milliseconds.
    private static let knockTimeout: Int32 = 500

    /// The machine this runs on.
    package static let real = HostFacts(
        root: "",
        clock: {
            var state = outpost_clock_state()
            // The structure is filled during the call.
            guard unsafe outpost_clock_state(&state) == 0 else { return nil }
            let isUnsynchronised = state.unsynchronised != 0 || state.state == 5
            return Clock(isUnsynchronised: isUnsynchronised, maximumErrorUS: state.maximum_error_us)
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
        knockUDP: { knock(outpost_probe_closed_udp(number($0), knockTimeout)) },
        knockTCP: { knock(outpost_probe_closed_tcp(number($0), knockTimeout)) },
        monotonic: { outpost_monotonic_ns() }
    )

    private static func number(_ family: Family) -> Int32 {
        switch family {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        }
    }

    private static func knock(_ code: Int32) -> Knock {
        switch code {
        case 0: .refused
        case ETIMEDOUT: .silence
        default: .failed(SystemError(call: "connect", code: code).reason)
        }
    }
}
