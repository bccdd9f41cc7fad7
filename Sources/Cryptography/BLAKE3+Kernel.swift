internal import CBLAKE3

extension BLAKE3 {
    /// The implementations of the compression function. All give the same results.
    package enum Kernel: String, CaseIterable, Sendable {
        case portable
        /// 4 blocks at once.
        case sse41
        /// 8 blocks at once.
        case avx2
        /// 16 blocks at once.
        case avx512
        /// 4 blocks at once.
        case neon

        private var number: Int32 {
            let number =
                switch self {
                case .portable: OUTPOST_BLAKE3_PORTABLE
                case .sse41: OUTPOST_BLAKE3_SSE41
                case .avx2: OUTPOST_BLAKE3_AVX2
                case .avx512: OUTPOST_BLAKE3_AVX512
                case .neon: OUTPOST_BLAKE3_NEON
                }
            return Int32(number)
        }

        /// Whether this processor and system have what the kernel needs.
        package var isSupported: Bool { outpost_blake3_supports(number) }

        /// The kernel of this process: the fastest one, unless ``use()`` has set another.
        package static var current: Kernel {
            let number = outpost_blake3_kernel()
            return allCases.first { $0.number == number } ?? .portable
        }

        /// Sets the kernel for all threads of this process, for a test or a benchmark. An unsupported one is a
        /// programming error and traps.
        package func use() { precondition(outpost_blake3_set_kernel(number), "\(self) is not supported here") }
    }
}
