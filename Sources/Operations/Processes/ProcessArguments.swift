internal import CLinux
internal import Glibc

/// The arguments of this process, from the kernel: available without /proc, too.
package enum ProcessArguments {
    /// The program's own name first.
    package static let all: [String] = (0..<Int(outpost_argument_count())).compactMap { index in
        // The kernel's own strings, which live as long as the process.
        unsafe outpost_arguments()?[index].map { unsafe String(cString: $0) }
    }

    /// The program's name, without folders.
    package static var program: String { all.first?.split(separator: "/").last.map(String.init) ?? "outpost" }

    /// Overwrites the value of `option` (`--token VALUE`, `--token=VALUE`) in /proc, where every user of the machine
    /// can read it. Call it first, after the arguments were copied.
    package static func hide(valueOf option: String) {
        let arguments = all
        for (index, argument) in arguments.enumerated() {
            if argument == option, index + 1 < arguments.count {
                overwrite(index + 1, from: 0)
            } else if argument.hasPrefix(option + "=") {
                overwrite(index, from: option.utf8.count + 1)
            }
        }
    }

    private static func overwrite(_ index: Int, from offset: Int) {
        // The kernel's own strings, writable for the life of the process; only bytes before the terminator are changed.
        guard let text = unsafe outpost_arguments()?[index] else { return }
        for position in offset..<max(offset, unsafe strlen(text)) { unsafe text[position] = CChar(UInt8(ascii: "x")) }
    }
}
