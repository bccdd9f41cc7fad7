internal import FuzzProperties
internal import Glibc

/// The surface under test, by its name in the environment: libFuzzer keeps the command line for itself.
private let surface: FuzzSurface = {
    // Nothing changes the environment of this process.
    let name = unsafe getenv("OUTPOST_FUZZ_SURFACE").map { unsafe String(cString: $0) } ?? ""
    guard let surface = FuzzSurface(rawValue: name) else {
        let names = FuzzSurface.allCases.map(\.rawValue).joined(separator: ", ")
        fatalError("OUTPOST_FUZZ_SURFACE is \"\(name)\", it must be one of: \(names)")
    }
    return surface
}()

/// Called by libFuzzer with every input. Traps when a property does not hold, so that the input is kept.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // libFuzzer's buffer lives for the call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    do throws(PropertyBroken) { try surface.check(bytes) } catch { fatalError("\(surface.rawValue): \(error)") }
    return 0
}
