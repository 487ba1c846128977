import Foundation

/// How far a child has come: memory that it shares with its parent, which reads it when the child has died.
struct Progress {
    /// The numbers that are kept.
    enum Field: Int, CaseIterable {
        /// the input in progress
        case index
        /// inputs that were read
        case values
        /// inputs that were refused
        case refusals
        /// inputs about which there are complaints
        case complaints
        /// the time of the slowest input in nanoseconds of the process, and which it was
        case slowest, slowestIndex
        /// the largest part of the memory that an input of its size may take, in thousandths, and which it was
        case mostMemory, mostMemoryIndex
    }

    private let numbers: UnsafeMutablePointer<Int>

    /// The numbers in the file at `path`, which is made where it is missing.
    init(path: String) throws {
        let size = Field.allCases.count * MemoryLayout<Int>.stride
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, size) == 0,
            let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else { throw Complaint("cannot map \(path)") }
        close(descriptor)
        numbers = memory.bindMemory(to: Int.self, capacity: Field.allCases.count)
    }

    subscript(field: Field) -> Int {
        get { numbers[field.rawValue] }
        nonmutating set { numbers[field.rawValue] = newValue }
    }

    /// Keeps `value`, that of input `index`, where it is the highest.
    func keepHighest(_ value: Int, of index: Int, in field: Field, at indexField: Field) {
        guard value > self[field] else { return }
        self[field] = value
        self[indexField] = index
    }
}
