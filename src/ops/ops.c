/* SPDX-License-Identifier: BSD-2-Clause */
#include "ops/op.h"

#include <stddef.h>

const struct op *const ops[] = {&op_hash, &op_verify, NULL};
