import CISAL

/// The libraries that read files.
package enum DataLibraries {
    /// The version of ISA-L whose headers this was compiled with; the library does not say its own.
    package static var isal: String { "\(ISAL_MAJOR_VERSION).\(ISAL_MINOR_VERSION).\(ISAL_PATCH_VERSION)" }

    /// The version of the HDF5 library that is found; nil: there is none. Looks for it and loads it.
    package static var hdf5: String? { HDF5Library.shared?.version }
}
