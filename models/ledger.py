"""What came in by ledgers: each workbook that was taken, and which of its lines became which hazard, so that none comes in twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import moment


class LedgerImport(SQLModel, table=True):
    """One workbook that was taken. `sha256` is of its bytes, `taken` how many lines became hazards. `at` is business time. Append-only,
    by grants."""

    __tablename__ = "ledger_import"
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    township_id: int = Field(foreign_key="township.id")
    sha256: str
    name: str
    form: str
    taken: int
    by_post: str
    by_person: str
    at: datetime = moment(nullable=False)


class LedgerRow(SQLModel, table=True):
    """One line that became a hazard. `key` is the number that the ledger gives it, or `#` and a hash of what it says. Append-only."""

    __tablename__ = "ledger_row"
    __table_args__ = (
        UniqueConstraint("township_id", "key", name="a_line_comes_in_once"),
        Index("ledger_rows_of_a_case", "case_id"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    township_id: int = Field(foreign_key="township.id")
    import_id: int = Field(sa_column=Column(BigInteger, ForeignKey("ledger_import.id"), nullable=False))
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), nullable=False))
    key: str
    line: int
