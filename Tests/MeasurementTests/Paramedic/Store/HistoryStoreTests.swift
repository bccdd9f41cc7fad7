internal import Foundation
internal import Identity
internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("paramedic's history")
struct HistoryStoreTests {
    private func withStore(_ body: (ParamedicStore) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "hs-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(try ParamedicStore(folder: folder))
    }

    private func remember(_ name: String, in store: ParamedicStore) throws {
        let address = ReflectorAddress(host: "192.0.2.1", port: 4000, endpointID: IdentityKey().endpointID)
        try store.remember(KnownReflector(name: name, address: address, addedAt: .now))
    }

    @Test func `a name that no reflector has or had is refused with those that are known`() throws {
        try withStore { store in
            try store.save(Specimen.calm)
            try remember("office", in: store)
            for ask in [
                { _ = try store.examinations(of: "vsp", last: 20) }, { _ = try store.examination(nil, of: "vsp") },
                { _ = try store.examination("7d1e", of: "vsp") },
            ] {
                let failure = #expect(throws: ParamedicError.self) { try ask() }
                #expect(failure?.description == "no reflector is called \"vsp\"; known are office, vps")
            }
        }
    }

    @Test func `a known reflector without an examination has an empty history, one that was forgotten keeps its own`()
        throws
    {
        try withStore { store in
            try store.save(Specimen.calm)
            try remember("office", in: store)
            #expect(try store.examinations(of: "office", last: 20).isEmpty)
            #expect(try store.examinations(of: "vps", last: 20).count == 1)
            let failure = #expect(throws: ParamedicError.self) { try store.examination(nil, of: "office") }
            #expect(failure?.description.hasPrefix("the history has nothing of \"office\"") == true)
        }
    }

    @Test func `an examination is found by its reflector, by the beginning of its id, and by both`() throws {
        try withStore { store in
            try store.save(Specimen.calm)
            var other = Specimen.calm
            other.id = "7d1e0000"
            other.reflector.name = "office"
            other.startedAt = Timestamp(microseconds: other.startedAt.microseconds + 1)
            try store.save(other)
            #expect(try store.examination(nil).id == other.id)
            #expect(try store.examination(nil, of: "vps").id == Specimen.calm.id)
            #expect(try store.examination("7d1e", of: "office").id == other.id)
            #expect(throws: ParamedicError.self) { try store.examination("7d1e") }
        }
    }
}
