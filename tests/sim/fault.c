/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/fault.h"

bool
fault_strikes(struct fault *f)
{
    if (f->repeat == 0) {
        return false;
    }
    if (f->countdown > 0) {
        f->countdown--;
        return false;
    }
    f->repeat--;
    return true;
}
