internal import COpenSSL

extension RecordCipher.Algorithm {
    /// Whether libcrypto uses instructions for it here that make it as fast as it can be. An end offers AES-256-GCM
    /// only then: without them it is ten times slower, and its tables tell the key to other processes by their timing.
    package var isFast: Bool {
        switch self {
        case .xChaCha20Poly1305: true
        case .aes256GCM: Self.hasFastAES
        }
    }

    private static let hasFastAES: Bool = {
        // A constant string, or nil where libcrypto knows of no such instructions.
        guard let settings = unsafe OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS) else { return false }
        return hasFastAES(settings: unsafe String(cString: settings))
    }()

    /// Reads what libcrypto found out about the processor, in the form of its environment variables (OpenSSL's manual,
    /// OPENSSL_ia32cap; `arm_arch.h`). AES-256-GCM takes instructions for AES and for the product of polynomials.
    static func hasFastAES(settings: String) -> Bool {
        let parts = settings.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return false }
        let word = parts[1].prefix { $0 != ":" }
        guard word.hasPrefix("0x"), let bits = UInt64(word.dropFirst(2), radix: 16) else { return false }
        let needed: UInt64
        switch parts[0] {
        // CPUID's leaf 1: EDX, then ECX, whose bits 1 and 25 are PCLMULQDQ and AES-NI.
        case "OPENSSL_ia32cap": needed = 1 << (32 + 1) | 1 << (32 + 25)
        // ARMV8_AES and ARMV8_PMULL.
        case "OPENSSL_armcap": needed = 1 << 2 | 1 << 5
        default: return false
        }
        return bits & needed == needed
    }
}
