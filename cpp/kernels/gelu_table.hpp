// Written by bench/make_gelu_table.py, which explains it; used by gelu.hpp.
#pragma once

// clang-format off
namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
struct GeluTanhTable;

template <>
struct GeluTanhTable<float> {
  static constexpr float kLimit = 10.875f;  // gelu_tanh(-kLimit) rounds to 0
  static constexpr float kFirst = 0x1.98844p0f;
  static constexpr float kFirstRest = 0x1.33d436p-20f;
  static constexpr float kCube = 0x1.2444f2p-4f;
  static constexpr float kCubeRest = 0x1.49b16ap-29f;
};

template <>
struct GeluTanhTable<double> {
  static constexpr double kLimit = 21.625;  // gelu_tanh(-kLimit) rounds to 0
  static constexpr double kFirst = 0x1.9884533d4366p0;
  static constexpr double kFirstRest = -0x1.ee5e069875fe9p-49;
  static constexpr double kCube = 0x1.2444f2a4d8b4bp-4;
  static constexpr double kCubeRest = -0x1.6c843a29d1c7p-61;
};

template <class T>
struct GeluTable;

// Relative error of the approximation, before rounding: 2^-27.6.
template <>
struct GeluTable<float> {
  static constexpr float kScale = 2.078125f;
  static constexpr float kLimit = 14.375f;  // gelu(-kLimit) rounds to 0
  static constexpr int kDegree = 6;
  alignas(64) static constexpr float kCentre[16] = {0x1.ecc0b8p-4f, 0x1.71905p-2f, 0x1.33f966p-1f, 0x1.af28dep-1f, 0x1.33f898p0f, 0x1.af2872p0f, 0x1.152c3cp1f, 0x1.52c47cp1f, 0x1.af279ep1f, 0x1.152c52p2f, 0x1.52c3c6p2f, 0x1.905c38p2f, 0x1.ecc01p2f, 0x1.33f87p3f, 0x1.718fb8p3f, 0x1.ae2e96p3f};
  alignas(64) static constexpr float kValue[16] = {0x1.d255eap-2f, 0x1.8872bcp-2f, 0x1.4fe888p-2f, 0x1.23c212p-2f, 0x1.e37174p-3f, 0x1.85ad6p-3f, 0x1.442788p-3f, 0x1.1453a2p-3f, 0x1.c277ccp-4f, 0x1.67c652p-4f, 0x1.2ab3b6p-4f, 0x1.fdfe28p-5f, 0x1.a1a674p-5f, 0x1.50068ep-5f, 0x1.18e8c6p-5f, 0x1.e3914p-6f};  // R(kCentre)
  // kCoefficient[k] is that of t^(k+1).
  alignas(64) static constexpr float kCoefficient[kDegree][16] = {
    {-0x1.606a9p-2f, -0x1.0ae1acp-2f, -0x1.9ced8cp-3f, -0x1.45a656p-3f, -0x1.d6e448p-4f, -0x1.417862p-4f, -0x1.cc6c52p-5f, -0x1.56ce8cp-5f, -0x1.d2da04p-6f, -0x1.2fc734p-6f, -0x1.a7d3e2p-7f, -0x1.373d12p-7f, -0x1.a46d1ap-8f, -0x1.119768p-8f, -0x1.7f8cf4p-9f, -0x1.1cab62p-9f},
    {0x1.a7f088p-3f, 0x1.282144p-3f, 0x1.a76f8ep-4f, 0x1.35489p-4f, 0x1.9065dep-5f, 0x1.dbdc94p-6f, 0x1.2b9c9p-6f, 0x1.8c0ddep-7f, 0x1.caa952p-8f, 0x1.edf30cp-9f, 0x1.246c74p-9f, 0x1.73ea06p-10f, 0x1.a0fdaap-11f, 0x1.b91f04p-12f, 0x1.0401bep-12f, 0x1.4d64eep-13f},
    {-0x1.b3e472p-4f, -0x1.1c9844p-4f, -0x1.7cc612p-5f, -0x1.0493cp-5f, -0x1.32b946p-6f, -0x1.42f3c2p-7f, -0x1.6ac07cp-8f, -0x1.aeb0aap-9f, -0x1.ade444p-10f, -0x1.83ffdcp-11f, -0x1.893222p-12f, -0x1.b396ep-13f, -0x1.97ae8ap-14f, -0x1.602e4p-15f, -0x1.5e12e4p-16f, -0x1.846d82p-17f},
    {0x1.8dbb38p-5f, 0x1.e9b6ap-6f, 0x1.34c5e4p-6f, 0x1.8f6c28p-7f, 0x1.afce16p-8f, 0x1.97caa8p-9f, 0x1.9d042ap-10f, 0x1.bc2de2p-11f, 0x1.82702cp-12f, 0x1.2755p-13f, 0x1.020e7ap-14f, 0x1.f47b86p-16f, 0x1.894032p-17f, 0x1.169672p-18f, 0x1.d41ef4p-20f, 0x1.c236cp-21f},
    {-0x1.49779p-6f, -0x1.80a5cep-7f, -0x1.cbc2fp-8f, -0x1.168a82p-8f, -0x1.1d982ap-9f, -0x1.e690ecp-11f, -0x1.bf2754p-12f, -0x1.b84fdep-13f, -0x1.545b94p-14f, -0x1.ba4ba6p-16f, -0x1.4e9afcp-17f, -0x1.1dbfbep-18f, -0x1.7eaaap-20f, -0x1.bbadaep-22f, -0x1.3a4f68p-23f, -0x1.053fe6p-24f},
    {0x1.f3c5ap-8f, 0x1.fb9356p-9f, 0x1.6caa42p-9f, 0x1.1a44e6p-10f, 0x1.5dabb4p-11f, 0x1.11b5bep-12f, 0x1.bf2eb2p-14f, 0x1.b5c57ep-15f, 0x1.1b22c8p-16f, 0x1.3e7b9ap-18f, 0x1.a16fc8p-20f, 0x1.467e7p-21f, 0x1.66436cp-23f, 0x1.57314p-25f, 0x1.a29e06p-27f, 0x1.2d296ap-28f},
  };
};

// Relative error of the approximation, before rounding: 2^-57.6.
template <>
struct GeluTable<double> {
  static constexpr double kScale = 0.7734375;
  static constexpr double kLimit = 38.625;  // gelu(-kLimit) rounds to 0
  static constexpr int kDegree = 14;
  alignas(64) static constexpr double kCentre[16] = {0x1.4afd6a052bf48p-2, 0x1.f07c1f07c1efp-1, 0x1.9dbcc48676ef3p0, 0x1.219dbcc486778p1, 0x1.9dbcc48676f2p1, 0x1.219dbcc48676ep2, 0x1.745d1745d6e4p2, 0x1.c71c71c71c7p2, 0x1.219dbcc486765p3, 0x1.745d1745d1747p3, 0x1.c71c71c71c6f1p3, 0x1.0cede62433ba1p4, 0x1.4afd6a052bf2dp4, 0x1.9dbcc48676f62p4, 0x1.f07c1f07c1e92p4, 0x1.20f6f31219e42p5};
  alignas(64) static constexpr double kValue[16] = {0x1.92b72bd46023bp-2, 0x1.102d805f22253p-2, 0x1.90e5a883a8bf3p-3, 0x1.394eefc8da817p-3, 0x1.d2e5d00382ec4p-4, 0x1.599244fadb052p-4, 0x1.113404a6efdf5p-4, 0x1.c2fc3a6573e51p-5, 0x1.64d7fd7de2486p-5, 0x1.16d35522a2093p-5, 0x1.c957a0ef821d7p-6, 0x1.8383b7fe3941ep-6, 0x1.3b3aa5052054cp-6, 0x1.f8c977b87a5a7p-7, 0x1.a4d8cd23b399ep-7, 0x1.69a31c6dc20fcp-7};  // R(kCentre)
  // kCoefficient[k] is that of t^(k+1).
  alignas(64) static constexpr double kCoefficient[kDegree][16] = {
    {-0x1.1658a229bf79p-2, -0x1.212c86ba44931p-3, -0x1.523d1267eec49p-4, -0x1.b08950dfcb92p-5, -0x1.f39cf5974c0f9p-6, -0x1.19145d91023ddp-6, -0x1.642c77d92d4acp-7, -0x1.e907d53718867p-8, -0x1.34279ec872439p-8, -0x1.79ebb3fd4eb45p-9, -0x1.fd8b4bec30d93p-10, -0x1.6e514ea4f7e59p-10, -0x1.e55e05d61f4bbp-11, -0x1.3768de9a3c3a5p-11, -0x1.b119fdf7f2a33p-12, -0x1.3fe494464dda6p-12},
    {0x1.38beb95a4673cp-3, 0x1.07f1c3ea9cf2ep-4, 0x1.fe4ac3a76b897p-6, 0x1.1290b03b2675fp-6, 0x1.f95c040bf2d22p-8, 0x1.b95169a099daap-9, 0x1.c55e69d964d4cp-10, 0x1.04a9950ec52cep-10, 0x1.072c76f1f2078p-11, 0x1.fcaeef62f18fp-13, 0x1.1a820763e5fd5p-13, 0x1.5917896e7427ep-14, 0x1.74cfcadd909b6p-15, 0x1.7fa88651e3d96p-16, 0x1.bd4120b778083p-17, 0x1.1ac0772f7f70fp-17},
    {-0x1.2fbc4564db5ccp-4, -0x1.adde797b8eb9cp-6, -0x1.6028ee391e4cfp-7, -0x1.451ccc9fc1367p-8, -0x1.e69f8dabe04fdp-10, -0x1.4f6a22e73db89p-11, -0x1.1a24b1f9c8243p-12, -0x1.1164f42a1eba5p-13, -0x1.bcb6079cffe3ep-15, -0x1.5404dc490c851p-16, -0x1.37ccd59e12ecep-17, -0x1.43fdea62d7d3dp-18, -0x1.1db4dbd148d91p-19, -0x1.d7f97b72ef55fp-21, -0x1.c9475acc92275p-22, -0x1.f37764698414fp-23},
    {0x1.07a80dd070b99p-5, 0x1.3f77aa05ecf9ap-7, 0x1.c36fd2956e803p-9, 0x1.6aa7162377d76p-10, 0x1.c0839b979f7f1p-12, 0x1.eedf6675b1d3cp-14, 0x1.57d3f1fc0edf8p-15, 0x1.1a52dcce2d3bfp-16, 0x1.73d6bbde7d68cp-18, 0x1.c387537323d78p-20, 0x1.568b4411c1ae5p-21, 0x1.2f28ae42d2c47p-22, 0x1.b4eab8f0c811ep-24, 0x1.21e2bc7202b91p-25, 0x1.d525c28d81ef7p-27, 0x1.b8ce7027c4811p-28},
    {-0x1.a1cc8236e8575p-7, -0x1.b7f60fee5c466p-9, -0x1.0f9e2d650a27dp-10, -0x1.7fec089953a41p-12, -0x1.8d66809780b7ep-14, -0x1.631d4a52ffc52p-16, -0x1.9ab5a06ab591dp-18, -0x1.1f3b48968d576p-19, -0x1.33c66ebb7e667p-21, -0x1.29d81adc3339ap-23, -0x1.769bc71e6ee57p-25, -0x1.1ab88d3a0952bp-26, -0x1.4d54104959f07p-28, -0x1.63935ab29e858p-30, -0x1.e0d565eecaaf5p-32, -0x1.84bddb31c3017p-33},
    {0x1.3286ce15d87c7p-8, 0x1.1bbf3577aec0bp-10, 0x1.3543738336c6ap-12, 0x1.83f58a44b8eddp-14, 0x1.53afc1d97db25p-16, 0x1.f0ad794853cc4p-19, 0x1.e1634835b90f9p-21, 0x1.20125d13696efp-22, 0x1.f881c4f44d74fp-25, 0x1.866a7c8f83d15p-27, 0x1.97d6245653954p-29, 0x1.06ca90b2572bp-30, 0x1.fb7746ed5e7c2p-33, 0x1.b384cc65065dfp-35, 0x1.ec4f518bbe72fp-37, 0x1.5691575274cdfp-38},
    {-0x1.a4de1f740c638p-10, -0x1.5995c5c37693ap-12, -0x1.4f3ac4e003737p-14, -0x1.77eea9875b486p-16, -0x1.18edb082bbb18p-18, -0x1.530ac44fc94e5p-21, -0x1.151221a578958p-23, -0x1.1cf67e278b00bp-25, -0x1.998dcaa32f8cbp-28, -0x1.fc892d65187e1p-31, -0x1.ba0ba6dd90fd3p-33, -0x1.e6effe77d7a3dp-35, -0x1.816edc9a3690dp-37, -0x1.0a551e17b0151p-39, -0x1.f78c9917d6b5bp-42, -0x1.2da6ad2122247p-43},
    {0x1.10845f0a43c03p-11, 0x1.8feffb4b4f464p-14, 0x1.5ba263c0eb36fp-16, 0x1.5e9f0e26b571dp-18, 0x1.c2b1cba2da898p-21, 0x1.c475a665bf23bp-24, 0x1.3980bf4a1bfdcp-26, 0x1.162bde1e1182cp-28, 0x1.4962ac35a8a96p-31, 0x1.4925a73011945p-34, 0x1.dd075f82d8adep-37, 0x1.c1acbfdf30f9bp-39, 0x1.241a2a149381p-41, 0x1.45459577dd60ep-44, 0x1.0143102017635p-46, 0x1.096c8609b37fdp-48},
    {-0x1.4ef4ad971f928p-13, -0x1.ba02cd132ad6fp-16, -0x1.5a42f607fffa5p-18, -0x1.3bbc55bfeffa9p-20, -0x1.5f65f2bd11bbcp-23, -0x1.277cab09eb28fp-26, -0x1.5cefabd14bef9p-29, -0x1.0c163d37f0678p-31, -0x1.06845fbb9063cp-34, -0x1.a77d6f0edcdd6p-38, -0x1.004715421fe11p-40, -0x1.9deb539cbf1b9p-43, -0x1.b9c7f18d48cb9p-46, -0x1.8cb0835d5cef6p-49, -0x1.0699ea6eaf1edp-51, -0x1.d2bd5f9618204p-54},
    {0x1.88b8477b6c352p-15, 0x1.d474583ce5b58p-18, 0x1.4c61287c7fe1bp-20, 0x1.133556045c64ep-22, 0x1.0ac89df22d3edp-25, 0x1.7a2725010d34dp-29, 0x1.7e43a799cfaa3p-32, 0x1.fe54cb13a2717p-35, 0x1.9ebe8167c2b62p-38, 0x1.0ecf30fbc35acp-41, 0x1.1238b7cae42f4p-44, 0x1.7bb7d1393d5dcp-47, 0x1.4d590cc800312p-50, 0x1.e31d6b3824bc7p-54, 0x1.0bde778602477p-56, 0x1.99476e626d59ep-59},
    {-0x1.b8ec00f2a27f9p-17, -0x1.dd92955e894c3p-20, -0x1.341efb0b8c0a4p-22, -0x1.d17bc539ace61p-25, -0x1.8ab73fbac8732p-28, -0x1.da65e3a56fef7p-32, -0x1.9c34d3d857021p-35, -0x1.dfb490b85317p-38, -0x1.4458edc344b9cp-41, -0x1.580a6b2a4fdcbp-45, -0x1.2446beaf39d3ep-48, -0x1.5cd4da9e7ef5cp-51, -0x1.f5535538b1969p-55, -0x1.2577898979686p-58, -0x1.11318e561b722p-61, -0x1.67d7b9ed19c9ep-64},
    {0x1.dc11e1f525537p-19, 0x1.d6094785efa76p-22, 0x1.140af615ba71ap-24, 0x1.84b3ac4ec9913p-27, 0x1.1d95ae3d4de5ep-30, 0x1.245c5388dac45p-34, 0x1.b93c4fcf90a6dp-38, 0x1.c2861d3b85e6cp-41, 0x1.f7e5326bb927dp-45, 0x1.b2a4f9f5b317p-49, 0x1.33067f5c9533p-52, 0x1.477efb884637ep-55, 0x1.78b4ecd36fca9p-59, 0x1.63463ee30dcb8p-63, 0x1.0d8b7ed8e07bap-66, 0x1.919eb76cf76a2p-69},
    {-0x1.fbd5e940e946fp-21, -0x1.cc3b89efd3ddep-24, -0x1.f99b67603dc41p-27, -0x1.39a11b5c31befp-29, -0x1.a7328126f2d89p-33, -0x1.6e9d61160a92bp-37, -0x1.e18a661849d7ap-41, -0x1.ad6e9b4780763p-44, -0x1.9b454ac19a4acp-48, -0x1.1d5c6de363d49p-52, -0x1.45c3da2038efp-56, -0x1.ca005151ab629p-60, -0x1.2ad600224becp-63, -0x1.c582b45c2fb9cp-68, -0x1.0d0a666161d3bp-71, -0x1.1f7c9c5a2538ep-74},
    {0x1.fa8de7abddc8fp-23, 0x1.a912842462ee7p-26, 0x1.f4d51090e9c86p-29, 0x1.3b255e354d457p-38, 0x1.2259545183e6fp-35, 0x1.b0c01851d2bb3p-40, 0x1.7efc7fa5f9f39p-44, 0x1.9d994249cc711p-48, 0x1.387b0141a1e6ap-51, 0x1.69b344a24f2bap-56, 0x1.d333ea6e3272ap-60, -0x1.6a90db4e98a17p-64, 0x1.bdebc80f2791ep-68, 0x1.294dfd4e5b715p-72, 0x1.3523196c7c98fp-75, -0x1.b42ec0615b659p-76},
  };
};

}  // namespace
}  // namespace fastnn::FASTNN_ISA
// clang-format on
