internal import Glibc

/// The arguments as every user of the machine can read them in /proc.
package enum ProcessArguments {
    /// Overwrites the value of `option` (`--token VALUE`, `--token=VALUE`) where the kernel shows it. Call it first thing,
    /// after the arguments were copied.
    package static func hide(valueOf option: String) {
        let arguments = CommandLine.arguments
        for (index, argument) in arguments.enumerated() {
            if argument == option, index + 1 < arguments.count {
                overwrite(index + 1, from: 0)
            } else if argument.hasPrefix(option + "=") {
                overwrite(index, from: option.utf8.count + 1)
            }
        }
    }

    private static func overwrite(_ index: Int, from offset: Int) {
        // The kernel's own strings, writable for the life of the process; only bytes before the terminator are touched.
        guard let text = unsafe CommandLine.unsafeArgv[index] else { return }
        for position in offset..<max(offset, unsafe strlen(text)) { unsafe text[position] = CChar(UInt8(ascii: "x")) }
    }
}
